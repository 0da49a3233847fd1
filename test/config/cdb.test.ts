import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cdb, cdbMake } from '../../src/config/cdb.ts';

// One record, "one" to "Hello", every number placed as the description of the format says.
function byHand(): Buffer {
  let hash = 5381;
  for (const char of 'one') hash = (((hash << 5) + hash) ^ char.charCodeAt(0)) >>> 0;
  const bytes = Buffer.alloc(2048 + 8 + 3 + 5 + 16);
  for (let table = 0; table < 256; table++) {
    // Tables lie one behind the other; only the one of this hash has slots.
    bytes.writeUInt32LE(table <= hash % 256 ? 2064 : 2080, table * 8);
  }
  bytes.writeUInt32LE(2, (hash % 256) * 8 + 4);
  bytes.writeUInt32LE(3, 2048);
  bytes.writeUInt32LE(5, 2052);
  bytes.write('oneHello', 2056, 'latin1');
  const slot = 2064 + ((hash >>> 8) % 2) * 8;
  bytes.writeUInt32LE(hash, slot);
  bytes.writeUInt32LE(2048, slot + 4);
  return bytes;
}

const small: [string, string][] = [
  ['one', 'Hello'],
  ['two', ''],
  ['', 'empty key'],
  ['one', 'second value'],
  ['example.com', '1'],
];

function text(cdb: Cdb, key: string): string | undefined {
  return cdb.get(key)?.toString();
}

/** Everything one can ask: must come to an end, with or without an error. */
function exercise(bytes: Buffer): 'worked' | 'threw' {
  let outcome: 'worked' | 'threw' = 'worked';
  const attempt = (run: () => unknown) => {
    try {
      return run();
    } catch (error) {
      assert.ok(error instanceof Error);
      // A RangeError of Buffer would mean that a position was used unchecked.
      assert.equal(error.name, 'Error', error.message);
      outcome = 'threw';
      return undefined;
    }
  };
  const cdb = attempt(() => Cdb.open(bytes));
  if (cdb instanceof Cdb) {
    for (const [key] of [...small, ['absent', '']] as const) attempt(() => cdb.get(key));
    attempt(() => [...cdb.entries()]);
  }
  return outcome;
}

describe('Cdb', () => {
  it('reads a file made by hand', () => {
    const cdb = Cdb.open(byHand());
    assert.equal(text(cdb, 'one'), 'Hello');
    assert.equal(text(cdb, 'two'), undefined);
    assert.deepEqual(
      Array.from(cdb.entries(), ([key, value]) => `${key}=${value}`),
      ['one=Hello'],
    );
  });

  it('is written by cdbMake octet for octet', () => {
    assert.deepEqual(cdbMake([['one', 'Hello']]), byHand());
  });

  it('gives the first of several values, empty ones and those of an empty key', () => {
    const cdb = Cdb.open(cdbMake(small));
    assert.equal(text(cdb, 'one'), 'Hello');
    assert.equal(text(cdb, 'two'), '');
    assert.equal(text(cdb, ''), 'empty key');
    assert.equal(cdb.has('two'), true);
    assert.equal(cdb.has('three'), false);
    assert.equal(cdb.has('Example.com'), false);
    assert.deepEqual(
      Array.from(cdb.entries(), ([key, value]) => [`${key}`, `${value}`]),
      small,
    );
  });

  it('holds bytes that are no text', () => {
    const key = Buffer.from([0, 255, 128]);
    const cdb = Cdb.open(cdbMake([[key, Buffer.from([0, 1])]]));
    assert.deepEqual(cdb.get(key), Buffer.from([0, 1]));
  });

  it('finds every one of many keys and none that is not there', () => {
    const many = Array.from({ length: 5000 }, (_, index): [string, string] => [
      `host${index}.example`,
      `${index}`,
    ]);
    const cdb = Cdb.open(cdbMake(many));
    for (const [key, value] of many) assert.equal(text(cdb, key), value);
    for (let index = 5000; index < 10_000; index++) assert.equal(cdb.has(`host${index}.example`), false);
    assert.equal([...cdb.entries()].length, 5000);
  });

  it('may be empty', () => {
    const cdb = Cdb.open(cdbMake([]));
    assert.equal(cdb.has(''), false);
    assert.deepEqual([...cdb.entries()], []);
  });

  it('takes no file that is cut off', () => {
    const whole = cdbMake(small);
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => Cdb.open(whole.subarray(0, length)), `${length} octets`);
    }
    assert.equal(exercise(whole), 'worked');
  });

  it('survives every change of one octet', () => {
    const whole = cdbMake(small);
    let threw = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const change of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        if (exercise(bytes) === 'threw') threw++;
      }
    }
    assert.ok(threw > 100);
  });

  it('takes no record from before or behind the records', () => {
    for (const position of [8, 2047, 2057, 2064, 2080, 0xffff_fff0]) {
      const bytes = byHand();
      const used = [2064, 2072].find((slot) => bytes.readUInt32LE(slot + 4) !== 0) ?? 0;
      bytes.writeUInt32LE(position, used + 4);
      assert.throws(
        () => Cdb.open(bytes).get('one'),
        /outside of the records|longer than the records/,
        `${position}`,
      );
    }
  });

  it('takes no record from the table of tables, even if it looks like one', () => {
    const bytes = byHand();
    const used = [2064, 2072].find((slot) => bytes.readUInt32LE(slot + 4) !== 0) ?? 0;
    bytes.writeUInt32LE(40, used + 4);
    // Positions of tables without slots mean nothing, so that they may spell a record: length 3, key "one".
    bytes.writeUInt32LE(3, 40);
    bytes.write('one', 48, 'latin1');
    assert.throws(() => Cdb.open(bytes).get('one'), /outside of the records/);
  });

  it('ends its search in a table without an empty slot', () => {
    const bytes = byHand();
    const used = [2064, 2072].find((slot) => bytes.readUInt32LE(slot + 4) !== 0) ?? 0;
    const free = used === 2064 ? 2072 : 2064;
    bytes.copy(bytes, free, used, used + 8);
    bytes.write('xyz', 2056, 'latin1');
    assert.equal(Cdb.open(bytes).has('one'), false);
  });
});
