// What is kept of a client's log for its message, however much the client says.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeptLines } from '../../../plugins/logging/_kept-lines.ts';

describe('KeptLines', () => {
  it('gives what it has kept, once', () => {
    const kept = new KeptLines();
    kept.isAccepted = true;
    for (const line of ['a', 'b']) kept.add(line, false);
    assert.deepEqual(kept.takeMessage(), { first: ['a', 'b'], leftOut: 0, last: [] });
    assert.equal(kept.isAccepted, false);
    assert.deepEqual(kept.takeMessage(), { first: [], leftOut: 0, last: [] });
  });

  it('keeps the command that the next message begins with', () => {
    const kept = new KeptLines();
    kept.add('a', false);
    kept.add('MAIL', true);
    assert.deepEqual(kept.takeMessage().first, ['a']);
    kept.add('b', false);
    assert.deepEqual(kept.takeMessage().first, ['MAIL', 'b']);
    assert.deepEqual(kept.takeMessage().first, []);
  });

  it('keeps the first and the last of very many, in bounded memory', () => {
    const kept = new KeptLines();
    const count = 100_000;
    for (let number = 0; number < count; number++) kept.add(`dispatching NOOP ${number}`, true);
    const { first, leftOut, last } = kept.takeMessage();
    assert.equal(first.length + last.length + leftOut, count - 1);
    assert.equal(first[0], 'dispatching NOOP 0');
    assert.equal(last.at(-1), `dispatching NOOP ${count - 2}`);
    for (const part of [first, last]) {
      const octets = part.join('').length;
      assert.ok(part.length > 200 && part.length < 500 && octets < 32_768, `${part.length}, ${octets}`);
    }
    kept.add('250 ok', false);
    assert.deepEqual(kept.takeMessage(), {
      first: [`dispatching NOOP ${count - 1}`, '250 ok'],
      leftOut: 0,
      last: [],
    });
  });

  it('does not keep a line that is too long, and keeps those behind it', () => {
    const kept = new KeptLines();
    for (const line of ['a', 'b'.repeat(1_000_000), 'c']) kept.add(line, false);
    assert.deepEqual(kept.takeMessage(), { first: ['a'], leftOut: 1, last: ['c'] });
  });
});
