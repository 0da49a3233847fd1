import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answer,
  declined,
  denial,
  deny,
  denySoft,
  disconnect,
  done,
  ok,
} from '../../src/contract/verdict.ts';

describe('verdicts', () => {
  it("have the session's own words where they say nothing", () => {
    assert.deepEqual(ok(), { code: 'OK', text: [] });
    assert.deepEqual(deny(), { code: 'DENY', text: [] });
    assert.deepEqual(denySoft(''), { code: 'DENYSOFT', text: [] });
    assert.deepEqual(declined, { code: 'DECLINED', text: [] });
  });

  it('have a reply line for each line of their text, and none for empty ones', () => {
    assert.deepEqual(deny('one\r\n\ntwo\n').text, ['one', 'two']);
    assert.deepEqual(deny('\n').text, []);
    assert.deepEqual(ok('one').text, ['one']);
  });

  it('keep an enhanced status code as it is given', () => {
    assert.deepEqual(deny('no', '5.7.1'), { code: 'DENY', text: ['no'], status: '5.7.1' });
  });

  it('take a named status in the class of the refusal, with its text where there is no other', () => {
    assert.deepEqual(deny('no', 'noSuchUser').status, '5.1.1');
    assert.deepEqual(denySoft(undefined, 'noSuchUser'), {
      code: 'DENYSOFT',
      text: ['no such mailbox here'],
      status: '4.1.1',
    });
  });

  it('refuse a status that is none', () => {
    for (const status of ['5.7', 'noSuchName', 'constructor', '5.7.1 ']) {
      // As a plugin in JavaScript may have it.
      assert.throws(() => Reflect.apply(deny, undefined, ['no', status]), {
        name: 'TypeError',
        message: `"${status}" is no enhanced status code`,
      });
    }
  });

  it('can hang up', () => {
    assert.deepEqual(disconnect(denySoft('later', '4.7.0')), {
      code: 'DENYSOFT_DISCONNECT',
      text: ['later'],
      status: '4.7.0',
    });
    assert.equal(disconnect(deny()).code, 'DENY_DISCONNECT');
  });

  it('of a kind from configuration get the class of that kind', () => {
    assert.equal(denial('DENYSOFT_DISCONNECT', 'no', 'relayingDenied').status, '4.7.1');
    assert.equal(denial('DENY_DISCONNECT', 'no', 'relayingDenied').status, '5.7.1');
  });

  it('may carry a reply or a value', () => {
    const reply = { code: 250, lines: ['fine'] };
    assert.deepEqual(done(reply), { code: 'DONE', text: [], reply });
    assert.equal(done().reply, undefined);
    assert.deepEqual(answer(['x']), { code: 'OK', value: ['x'] });
  });

  it('share nothing that a plugin could write to', () => {
    assert.throws(() => Reflect.apply(Array.prototype.push, declined.text, ['x']), TypeError);
    assert.throws(() => Reflect.apply(Array.prototype.push, ok().text, ['x']), TypeError);
    assert.equal(Object.isFrozen(declined), true);
  });
});
