import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VerdictLog } from '../../src/message/verdict-log.ts';

describe('a verdict log', () => {
  it('knows the last answer of a plugin in a hook', () => {
    const log = new VerdictLog();
    assert.equal(log.codeOf('p', 'rcpt'), undefined);
    log.add({ plugin: 'p', hook: 'rcpt' }, 'OK');
    log.add({ plugin: 'q', hook: 'rcpt' }, 'DENYSOFT');
    log.add({ plugin: 'p', hook: 'mail' }, 'DONE');
    log.add({ plugin: 'p', hook: 'rcpt' }, 'DENY');
    assert.deepEqual(
      [log.codeOf('p', 'rcpt'), log.codeOf('q', 'rcpt'), log.codeOf('p', 'mail'), log.codeOf('q', 'mail')],
      ['DENY', 'DENYSOFT', 'DONE', undefined],
    );
  });
});
