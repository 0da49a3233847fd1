import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import naughty from '../../plugins/naughty.ts';

describe('naughty', () => {
  it('names the phases when it is given an unknown one', () => {
    assert.throws(() => naughty.options?.reject.parse('helo'), {
      message: '"helo" is none of connect, mail, rcpt, data, data_post, queue_post, hook_queue_post',
    });
  });
});
