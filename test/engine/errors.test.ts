import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearest } from '../../src/engine/errors.ts';

describe('the nearest name', () => {
  const known = ['relay', 'rcpt_ok', 'queue/maildir', 'count_unrecognized_commands'];
  for (const [name, found] of [
    ['rely', 'relay'],
    ['RELAY', 'relay'],
    ['rcpt-ok', 'rcpt_ok'],
    ['queue/maldir', 'queue/maildir'],
    ['count_unrecognised_comands', 'count_unrecognized_commands'],
    ['something', null],
    ['', null],
  ] as const) {
    it(`of "${name}" is ${found}`, () => assert.equal(nearest(name, known), found));
  }

  it('is the nearest of several, and none where there are none', () => {
    assert.equal(nearest('data_pos', ['data', 'data_post', 'data_post_headers']), 'data_post');
    assert.equal(nearest('data', []), null);
  });
});
