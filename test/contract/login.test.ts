import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { AuthAttempt } from '../../src/contract/hooks.ts';
import { loginChecker } from '../../src/contract/login.ts';
import type { PasswordHash } from '../../src/protocol/password/password-hash.ts';
import { parsePasswordHash } from '../../src/protocol/password/stored-password.ts';

const nothing: Omit<AuthAttempt, 'mechanism' | 'user'> = {
  password: null,
  challenge: null,
  digest: null,
  token: null,
};
const plain = (password: string): AuthAttempt => ({ ...nothing, mechanism: 'PLAIN', user: 'u@h', password });
const cram = (challenge: string, digest: string): AuthAttempt => ({
  ...nothing,
  mechanism: 'CRAM-MD5',
  user: 'tim',
  challenge,
  digest,
});
const md5 = parsePasswordHash('$1$abcdefgh$G//4keteveJp0qb8z2DxG/');

describe('loginChecker', () => {
  it('answers at once for a password in clear', () => {
    const check = loginChecker();
    assert.equal(check(plain('secret'), { clear: 'secret' }), 'match');
    assert.equal(check(plain('Secret'), { clear: 'secret' }), 'mismatch');
    assert.equal(check(plain('grüße'), { clear: 'grüße' }), 'match');
    assert.equal(check(plain('secret'), {}), 'mismatch');
    assert.equal(check(plain(''), { clear: '' }), 'mismatch');
  });

  it('takes a hash, alone or beside a password in clear', async () => {
    const check = loginChecker();
    assert.equal(await check(plain('password'), { hash: md5 }), 'match');
    assert.equal(await check(plain('passwort'), { hash: md5 }), 'mismatch');
    assert.equal(check(plain('other'), { clear: 'other', hash: md5 }), 'match');
    assert.equal(await check(plain('password'), { clear: 'other', hash: md5 }), 'match');
    assert.equal(await check(plain('neither'), { clear: 'other', hash: md5 }), 'mismatch');
  });

  // RFC 2195 section 2.
  const challenge = '<1896.697170952@postoffice.reston.mci.net>';
  const digest = 'b913a602c7eda7a495b4e6e7334d3890';

  it('checks the digest of CRAM-MD5', () => {
    const check = loginChecker();
    const stored = { clear: 'tanstaaftanstaaf' };
    assert.equal(check(cram(challenge, digest), stored), 'match');
    assert.equal(check(cram(challenge, digest.toUpperCase()), stored), 'match');
    assert.equal(check(cram(`${challenge}x`, digest), stored), 'mismatch');
    assert.equal(check(cram(challenge, ''), stored), 'mismatch');
    assert.equal(check({ ...cram(challenge, digest), challenge: null }, stored), 'mismatch');
    const ofNothing = createHmac('md5', 'tanstaaftanstaaf').update('').digest('hex');
    assert.equal(check({ ...cram('', ofNothing), challenge: null }, stored), 'mismatch');
  });

  it('cannot tell where the mechanism needs what is not there', () => {
    const check = loginChecker();
    assert.equal(check(cram(challenge, digest), { hash: md5 }), 'cannot tell');
    assert.equal(
      check({ ...nothing, mechanism: 'XOAUTH2', user: 'u', token: 't' }, { clear: 't' }),
      'cannot tell',
    );
  });

  it('does not even begin with a password of more than 512 octets', () => {
    const check = loginChecker();
    const never: PasswordHash = { scheme: 'NEVER', scram: null, matches: () => assert.fail('begun') };
    const long = 'ä'.repeat(257);
    assert.equal(check(plain(long), { clear: long, hash: never }), 'mismatch');
    assert.equal(check(plain('ä'.repeat(256)), { clear: 'ä'.repeat(256) }), 'match');
  });

  it('lets others have their turn while it counts, and counts for one login at a time', async () => {
    const check = loginChecker();
    const running = new Set<string>();
    let together = 0;
    const slow = (name: string): PasswordHash => ({
      scheme: 'SLOW',
      scram: null,
      *matches() {
        running.add(name);
        for (const end = performance.now() + 40; performance.now() < end; ) {
          together = Math.max(together, running.size);
          yield;
        }
        running.delete(name);
        return true;
      },
    });
    const checks = ['a', 'b'].map((name) => check(plain('x'), { hash: slow(name) }));
    let turns = 0;
    let over = false;
    const all = Promise.all(checks).then(() => {
      over = true;
    });
    while (!over) {
      await setImmediate();
      turns++;
    }
    await all;
    assert.equal(together, 1);
    assert.ok(turns > 4, `${turns} turns`);
  });

  it('goes on after a check that failed', async () => {
    const check = loginChecker();
    const broken: PasswordHash = {
      scheme: 'BROKEN',
      scram: null,
      matches: () => Promise.reject(new Error('no memory')),
    };
    const first = check(plain('x'), { hash: broken });
    const second = check(plain('password'), { hash: md5 });
    await assert.rejects(async () => first, /no memory/);
    assert.equal(await second, 'match');
  });

  it('stops when nobody waits any more', async () => {
    const check = loginChecker();
    const controller = new AbortController();
    let steps = 0;
    const endless: PasswordHash = {
      scheme: 'ENDLESS',
      scram: null,
      *matches() {
        for (;;) {
          steps++;
          yield;
        }
      },
    };
    const under = check(plain('x'), { hash: endless }, controller.signal);
    const behind = check(plain('password'), { hash: md5 }, controller.signal);
    await setImmediate();
    controller.abort(new Error('gone'));
    await assert.rejects(async () => under, /gone/);
    await assert.rejects(async () => behind, /gone/);
    assert.ok(steps > 0);
  });
});
