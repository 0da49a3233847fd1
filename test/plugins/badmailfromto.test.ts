import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import badmailfromto from '../../plugins/badmailfromto.ts';

describe('lines of badmailfromto', () => {
  const parse = badmailfromto.files?.badmailfromto.parse;
  assert.ok(parse);

  it('are a sender and a recipient', () => {
    const { from, to } = parse(' a@example.com\t@example.org  what follows does not count');
    assert.deepEqual([from.entry, to.entry], ['a@example.com', '@example.org']);
  });

  it('are refused when one of them is missing or is no address', () => {
    assert.throws(() => parse('a@example.com'), { message: 'no recipient behind "a@example.com"' });
    assert.throws(() => parse('a@example.com example.org'), { message: 'no @ sign in "example.org"' });
  });
});
