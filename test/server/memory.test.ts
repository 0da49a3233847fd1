// What a process takes of another one's memory: all that it understands, and nothing else.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Memory, readMemory, readNews, readTickets } from '../../src/server/memory.ts';

const key = 'ab'.repeat(32);
const login = { origin: '3221225985', failures: 2, age: 5, lockedFor: 0, forMs: 1000 };
const delivery = { keys: ['s\nr\n4\nid'], digest: 'd', age: 7 };
const memory: Memory = { version: 1, loginKey: key, logins: [login], delivered: [delivery] };

const UNKNOWN = { memory: null, complaint: 'it remembers in a form that this version does not know' };

describe('memory of another process', () => {
  it('is taken as it was given', () => {
    const read = readMemory(JSON.parse(JSON.stringify(memory)));
    assert.deepEqual(read, { memory, complaint: null });
  });

  it('may have fields of a later version', () => {
    const later = { ...memory, more: 1, logins: [{ ...login, more: 1 }] };
    assert.deepEqual(readMemory(later), { memory, complaint: null });
  });

  it('is none, without a word, from a version that gives none', () => {
    assert.deepEqual(readMemory(undefined), { memory: null, complaint: null });
  });

  for (const [what, raw] of [
    ['null', null],
    ['text', 'memory'],
    ['a list', []],
    ['nothing', {}],
    ['another version', { ...memory, version: 2 }],
    ['no version', { ...memory, version: undefined }],
    ['no key', { ...memory, loginKey: undefined }],
    ['half a key', { ...memory, loginKey: key.slice(2) }],
    ['a key of other letters', { ...memory, loginKey: 'xy'.repeat(32) }],
  ] as const) {
    it(`is not taken where it is ${what}`, () => assert.deepEqual(readMemory(raw), UNKNOWN));
  }

  for (const [what, logins] of [
    ['no object', [login, 'x', login, null]],
    ['no address', [login, { ...login, origin: 7 }, login, { ...login, origin: 'x'.repeat(101) }]],
    ['a number below nothing', [login, { ...login, age: -1 }, login, { ...login, lockedFor: -1 }]],
    ['text for a number', [login, { ...login, failures: '2' }, login, { ...login, forMs: '' }]],
    ['no number', [login, { ...login, failures: null }, login, { ...login, forMs: Number.NaN }]],
  ] as const) {
    it(`is taken without the address whose entry has ${what}`, () => {
      const read = readMemory({ ...memory, logins });
      assert.deepEqual(read.memory, { ...memory, logins: [login, login] });
      assert.equal(read.complaint, '2 of its entries are not understood');
    });
  }

  for (const [what, odd] of [
    ['no keys', { ...delivery, keys: 'x' }],
    ['a key that is no text', { ...delivery, keys: ['x', 7] }],
    ['a key without end', { ...delivery, keys: ['x'.repeat(4001)] }],
    ['a digest without end', { ...delivery, digest: 'x'.repeat(101) }],
    ['no digest', { keys: ['x'], age: 0 }],
    ['no age', { ...delivery, age: null }],
  ] as const) {
    it(`is taken without the message whose entry has ${what}`, () => {
      const read = readMemory({ ...memory, delivered: [odd, delivery] });
      assert.deepEqual(read, { memory, complaint: '1 of its entries are not understood' });
    });
  }

  it('is taken in part where a list is none', () => {
    const read = readMemory({ ...memory, logins: {}, delivered: undefined });
    assert.deepEqual(read.memory, { ...memory, logins: [], delivered: [] });
    assert.equal(read.complaint, '2 of its entries are not understood');
  });

  it('has an end: the latest entries count', () => {
    const logins = Array.from({ length: 50_001 }, (_, at) => ({ ...login, origin: `${at}` }));
    const read = readMemory({ ...memory, logins });
    assert.equal(read.memory?.logins.length, 50_000);
    assert.equal(read.memory?.logins[0]?.origin, '1');
    assert.equal(read.complaint, '1 of its entries are not understood');
  });
});

describe('ticket keys of another process', () => {
  it('are taken as they were given', () => {
    assert.deepEqual(readTickets({ seed: key, age: 5 }), { seed: key, age: 5 });
  });

  for (const raw of [
    undefined,
    null,
    'x',
    {},
    { seed: key },
    { seed: 'x', age: 0 },
    { seed: key, age: -1 },
  ]) {
    it(`are none in ${JSON.stringify(raw)}`, () => assert.equal(readTickets(raw), null));
  }
});

describe('news of another process', () => {
  const limits = { after: 3, forMs: 1000 };
  const all = [
    { kind: 'counts', counts: { total: 2, from: [['192.0.2.1', 2]] } },
    { kind: 'failure', failure: { ip: '192.0.2.1', age: 0, limits } },
    { kind: 'delivered', news: delivery },
    { kind: 'delivered', news: { ...delivery, digest: null } },
  ] as const;

  for (const news of all) {
    it(`of the kind ${news.kind} are taken`, () => {
      assert.deepEqual(readNews(JSON.parse(JSON.stringify({ ...news, more: 1 }))), news);
    });
  }

  for (const raw of [
    ...[null, undefined, 7, 'counts', [], {}, { kind: 'serving' }, { kind: 'counts' }],
    { kind: 'counts', counts: { total: -1, from: [] } },
    { kind: 'counts', counts: { total: 1, from: [['192.0.2.1']] } },
    { kind: 'counts', counts: { total: 1, from: [['192.0.2.1', '1']] } },
    { kind: 'counts', counts: { total: 1, from: [[1, 1]] } },
    { kind: 'failure', failure: { ip: '192.0.2.1', age: 0 } },
    { kind: 'failure', failure: { ip: '192.0.2.1', limits } },
    { kind: 'failure', failure: { ip: '192.0.2.1', age: 0, limits: { after: 3 } } },
    { kind: 'delivered', news: { keys: ['x'] } },
  ]) {
    it(`are none in ${JSON.stringify(raw)}`, () => assert.equal(readNews(raw), null));
  }
});
