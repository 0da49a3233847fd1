import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOfRejectType } from '../../src/contract/options.ts';
import { declined } from '../../src/contract/verdict.ts';
import { applyReject, type RejectPolicy } from '../../src/engine/rejection.ts';
import { makeClient } from './support.ts';

function refuse(policy: RejectPolicy, connection = makeClient(), plugin = 'dnsbl') {
  const log: string[] = [];
  const by = { plugin, connection, log: (text: string) => log.push(text) };
  const verdict = applyReject(policy, by, 'listed', { status: '5.7.1', log: 'at bl.example' });
  return { verdict, log, notes: connection.notes, connection };
}

describe('at.reject()', () => {
  it('refuses at once, by default for good', () => {
    const { verdict, log } = refuse({ mode: 'on', type: null, typeIsGiven: false });
    assert.deepEqual(verdict, { code: 'DENY', text: ['listed'], status: '5.7.1' });
    assert.deepEqual(log, ['fail, at bl.example']);
  });

  it('refuses as reject_type says', () => {
    for (const [type, code] of Object.entries(codeOfRejectType)) {
      const policy = { mode: 'on', type, typeIsGiven: false } as RejectPolicy;
      assert.equal(refuse(policy).verdict.code, code);
    }
  });

  it('only logs where it is off', () => {
    const { verdict, log, notes } = refuse({ mode: 'off', type: 'perm', typeIsGiven: true });
    assert.equal(verdict, declined);
    assert.deepEqual(log, ['fail, tolerated, at bl.example']);
    assert.equal(notes.has('naughty'), false);
  });

  it('marks the client for the plugin naughty, and leaves the type to it', () => {
    const { verdict, log, notes } = refuse({ mode: 'naughty', type: 'perm', typeIsGiven: false });
    assert.equal(verdict, declined);
    assert.deepEqual(log, ['fail, NAUGHTY, at bl.example']);
    assert.equal(notes.get('naughty'), '(dnsbl) listed');
    assert.equal(notes.has('naughty_reject_type'), false);
  });

  it('adds its reason to those that are there; the first type on a line counts', () => {
    const first = refuse({ mode: 'naughty', type: 'temp', typeIsGiven: true });
    const { notes } = refuse({ mode: 'naughty', type: 'perm', typeIsGiven: true }, first.connection, 'helo');
    assert.equal(notes.get('naughty'), '(dnsbl) listed\n(helo) listed');
    assert.equal(notes.get('naughty_reject_type'), 'temp');
  });
});
