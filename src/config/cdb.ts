// Reader of constant databases in D. J. Bernstein's format (https://cr.yp.to/cdb/cdb.txt): 256 pairs of table
// position and length, the records, the hash tables. Every position is checked before it is used, so that a
// damaged file gives an error and never a wrong read or an endless search.

const TABLES = 256;
const HEADER_BYTES = TABLES * 8;
const LARGEST_FILE = 0xffff_ffff;

/** An open database. Strings are taken as UTF-8; keys are looked up as given, upper and lower case apart. */
export class Cdb {
  readonly #bytes: Buffer;
  /** where the records end and the first hash table begins */
  readonly #end: number;

  private constructor(bytes: Buffer, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  /**
   * @param bytes the whole file; it must not change afterwards
   * @throws Error when the file is too short or a hash table lies outside of it
   */
  static open(bytes: Buffer): Cdb {
    if (bytes.length < HEADER_BYTES)
      throw new Error(`it has ${bytes.length} bytes, at least 2048 are needed`);
    let end = bytes.length;
    let used = false;
    for (let table = 0; table < TABLES; table++) {
      const start = bytes.readUInt32LE(table * 8);
      const slots = bytes.readUInt32LE(table * 8 + 4);
      if (slots === 0) continue;
      if (start < HEADER_BYTES || start + slots * 8 > bytes.length) {
        throw new Error(`hash table ${table} lies outside of the file`);
      }
      used = true;
      end = Math.min(end, start);
    }
    return new Cdb(bytes, used ? end : HEADER_BYTES);
  }

  /**
   * First value of the key; undefined when there is none.
   * @throws Error when the search leads outside of the records
   */
  get(key: string | Buffer): Buffer | undefined {
    const wanted = typeof key === 'string' ? Buffer.from(key) : key;
    const hash = cdbHash(wanted);
    const header = (hash % TABLES) * 8;
    const start = this.#bytes.readUInt32LE(header);
    const slots = this.#bytes.readUInt32LE(header + 4);
    const first = slots === 0 ? 0 : (hash >>> 8) % slots;
    for (let tried = 0; tried < slots; tried++) {
      const slot = start + ((first + tried) % slots) * 8;
      const position = this.#bytes.readUInt32LE(slot + 4);
      if (position === 0) return undefined;
      if (this.#bytes.readUInt32LE(slot) !== hash) continue;
      const [found, value] = this.#record(position);
      if (found.equals(wanted)) return value;
    }
    return undefined;
  }

  has(key: string | Buffer): boolean {
    return this.get(key) !== undefined;
  }

  /**
   * All records in the order of the file; a key may come more than once.
   * @throws Error at a record that reaches outside of the records
   */
  *entries(): Iterable<[Buffer, Buffer]> {
    for (let at = HEADER_BYTES; at < this.#end; ) {
      const record = this.#record(at);
      yield record;
      at += 8 + record[0].length + record[1].length;
    }
  }

  #record(at: number): [Buffer, Buffer] {
    const keyStart = at + 8;
    if (at < HEADER_BYTES || keyStart > this.#end)
      throw new Error(`a record at ${at} lies outside of the records`);
    const valueStart = keyStart + this.#bytes.readUInt32LE(at);
    const end = valueStart + this.#bytes.readUInt32LE(at + 4);
    if (end > this.#end) throw new Error(`the record at ${at} is longer than the records`);
    return [this.#bytes.subarray(keyStart, valueStart), this.#bytes.subarray(valueStart, end)];
  }
}

/**
 * Makes a database of the entries, in their order.
 * @throws RangeError above 4 GiB, which the format cannot hold
 */
export function cdbMake(entries: Iterable<readonly [key: string | Buffer, value: string | Buffer]>): Buffer {
  const records: Buffer[] = [];
  const tables = Array.from({ length: TABLES }, (): Slot[] => []);
  let at = HEADER_BYTES;
  for (const [keyText, valueText] of entries) {
    const key = Buffer.from(keyText);
    const value = Buffer.from(valueText);
    const hash = cdbHash(key);
    tables[hash % TABLES]?.push({ hash, position: at });
    records.push(words(key.length, value.length), key, value);
    at += 8 + key.length + value.length;
    if (at > LARGEST_FILE) throw new RangeError('a constant database holds at most 4 GiB');
  }
  const header: Buffer[] = [];
  const hashTables = tables.map((slots) => {
    const table = makeTable(slots);
    header.push(words(at, table.length / 8));
    at += table.length;
    return table;
  });
  if (at > LARGEST_FILE) throw new RangeError('a constant database holds at most 4 GiB');
  return Buffer.concat([...header, ...records, ...hashTables]);
}

interface Slot {
  readonly hash: number;
  readonly position: number;
}

// Twice as many slots as records, so that every search ends at an empty one.
function makeTable(slots: readonly Slot[]): Buffer {
  const count = slots.length * 2;
  const table = Buffer.alloc(count * 8);
  for (const { hash, position } of slots) {
    let slot = (hash >>> 8) % count;
    while (table.readUInt32LE(slot * 8 + 4) !== 0) slot = (slot + 1) % count;
    table.writeUInt32LE(hash, slot * 8);
    table.writeUInt32LE(position, slot * 8 + 4);
  }
  return table;
}

function words(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(first, 0);
  bytes.writeUInt32LE(second, 4);
  return bytes;
}

function cdbHash(key: Buffer): number {
  let hash = 5381;
  for (const byte of key) hash = (Math.imul(hash, 33) ^ byte) >>> 0;
  return hash;
}
