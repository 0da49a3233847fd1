// Numbers that look random and are the same in every run (sfc32, public domain, Chris Doty-Humphrey): a case is
// found again by its seed and its number.

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let round = 0; round < 8; round++) this.next();
  }

  /** 0 to 2^32 - 1 */
  next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 to `end` - 1; 0 for an `end` of 0 */
  below(end: number): number {
    return end === 0 ? 0 : this.next() % end;
  }

  /** true once in `times` times */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Often small, seldom as large as `most`. */
  size(most: number): number {
    return this.below(1 + (most >>> this.below(32 - Math.clz32(most))));
  }

  /** @param list not empty */
  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

/** A seed that depends on octets alone (FNV-1a), so that a case says by itself how it is cut into chunks. */
export function seedOf(octets: Buffer): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < octets.length && at < 4096; at++) {
    sum = Math.imul(sum ^ (octets[at] ?? 0), 0x01000193);
  }
  return (sum ^ octets.length) >>> 0;
}

/** The octets in pieces, none empty, as the network may cut them. */
export function cut(octets: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  const most = random.once(4) ? 2 : random.pick([3, 16, 200, 5000]);
  for (let at = 0; at < octets.length; ) {
    const length = 1 + random.below(most);
    pieces.push(octets.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
