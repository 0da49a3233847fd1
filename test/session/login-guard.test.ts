import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LoginGuard } from '../../src/session/login-guard.ts';

const limit = { after: 3, forMs: 1000 };

function fail(guard: LoginGuard, ip: string, times: number, now = 0): boolean[] {
  return Array.from({ length: times }, () => guard.noteFailure(ip, now, limit));
}

describe('locking addresses out', () => {
  it('begins with the failure that is one too many, and ends in time', () => {
    const guard = new LoginGuard();
    assert.deepEqual(fail(guard, '192.0.2.1', 3), [false, false, true]);
    assert.ok(guard.isLockedOut('192.0.2.1', 999));
    assert.ok(!guard.isLockedOut('192.0.2.1', 1000));
    assert.ok(!guard.isLockedOut('192.0.2.2', 0));
  });

  it('counts anew when the time of the first failure is over', () => {
    const guard = new LoginGuard();
    fail(guard, '192.0.2.1', 2);
    assert.deepEqual(fail(guard, '192.0.2.1', 3, 1000), [false, false, true]);
    // A client that asks every now and then with an old password is not locked out.
    for (let now = 5000; now < 50_000; now += 600)
      assert.deepEqual(fail(guard, '192.0.2.9', 1, now), [false]);
  });

  it('takes an IPv6 network of 64 bits for one address, and a mapped address for its IPv4 one', () => {
    const guard = new LoginGuard();
    for (const ip of ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8::1:0:0:0:3']) fail(guard, ip, 1);
    assert.ok(guard.isLockedOut('2001:db8:0:1:8000::', 0));
    assert.ok(!guard.isLockedOut('2001:db8:0:2::1', 0));
    fail(guard, '::ffff:192.0.2.1', 3);
    assert.ok(guard.isLockedOut('192.0.2.1', 0));
    fail(guard, 'fe80::1%eth0', 3);
    assert.ok(guard.isLockedOut('fe80::2', 0));
  });

  it('is not ended early by a login that was under way when it began', () => {
    const guard = new LoginGuard();
    const twice = { after: 2, forMs: 1000 };
    guard.noteFailure('192.0.2.1', 0, twice);
    assert.ok(guard.noteFailure('192.0.2.1', 900, twice));
    // The time of the first failure is over by then.
    guard.noteFailure('192.0.2.1', 1001, twice);
    assert.ok(guard.isLockedOut('192.0.2.1', 1899));
    assert.ok(!guard.isLockedOut('192.0.2.1', 1900));
  });

  it('is not shortened by a failure elsewhere that is told late', () => {
    const guard = new LoginGuard();
    fail(guard, '192.0.2.1', 3, 500);
    guard.noteElsewhere('192.0.2.1', 400, limit);
    assert.ok(guard.isLockedOut('192.0.2.1', 1499));
  });

  it('tells the others of each failure', () => {
    const told: string[] = [];
    const guard = new LoginGuard({ tell: (ip) => void told.push(ip) });
    assert.deepEqual(fail(guard, '192.0.2.1', 3), [false, false, true]);
    assert.deepEqual(told, ['192.0.2.1', '192.0.2.1', '192.0.2.1']);
    // What others have told is not told on.
    guard.noteElsewhere('192.0.2.2', 0, limit);
    assert.equal(told.length, 3);
  });

  it('is said by whoever hears of all failures, where that is somebody else', () => {
    const guard = new LoginGuard({ isSpokesman: false });
    assert.deepEqual(fail(guard, '192.0.2.1', 3), [false, false, false]);
    assert.ok(guard.isLockedOut('192.0.2.1', 999));
    // Such a one hears of them from others.
    const parent = new LoginGuard();
    const heard = [0, 0, 0].map((now) => parent.noteElsewhere('192.0.2.1', now, limit));
    assert.deepEqual(heard, [false, false, true]);
  });

  it('is off with 0', () => {
    const guard = new LoginGuard();
    for (let at = 0; at < 100; at++) assert.ok(!guard.noteFailure('192.0.2.1', 0, { after: 0, forMs: 1000 }));
    assert.ok(!guard.isLockedOut('192.0.2.1', 0));
    assert.equal(guard.size, 0);
  });

  it('remembers no more addresses than it may, those with the latest failures', () => {
    const guard = new LoginGuard({ most: 2 });
    fail(guard, '192.0.2.1', 3);
    fail(guard, '192.0.2.2', 3);
    fail(guard, '192.0.2.1', 1);
    fail(guard, '192.0.2.3', 3);
    assert.equal(guard.size, 2);
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => guard.isLockedOut(ip, 0)),
      [true, false, true],
    );
  });
});

describe('what a later process learns of failed logins', () => {
  /** A guard with a clock of its own, as a process of later has it. */
  function later(guard: LoginGuard, now: number, its: number): LoginGuard {
    const one = new LoginGuard();
    one.learn(guard.recent(now), its);
    return one;
  }

  it('locks the same addresses out until the same moment', () => {
    const guard = new LoginGuard();
    for (const now of [5_000_000, 5_000_900, 5_000_950]) fail(guard, '192.0.2.1', 1, now);
    fail(guard, '192.0.2.2', 1, 5_000_950);
    const one = later(guard, 5_001_949, 40);
    assert.ok(one.isLockedOut('192.0.2.1', 40));
    assert.ok(!one.isLockedOut('192.0.2.1', 41));
    assert.ok(!one.isLockedOut('192.0.2.2', 40));
    assert.ok(!later(guard, 5_001_950, 40).isLockedOut('192.0.2.1', 40));
  });

  it('counts on', () => {
    const guard = new LoginGuard();
    fail(guard, '192.0.2.1', 2, 5_000_000);
    assert.deepEqual(fail(later(guard, 5_000_999, 7), '192.0.2.1', 1, 7), [true]);
    assert.deepEqual(fail(later(guard, 5_001_000, 7), '192.0.2.1', 1, 7), [false]);
  });

  it('is what may still count, by the time that was in force', () => {
    const guard = new LoginGuard();
    fail(guard, '192.0.2.1', 1);
    guard.noteFailure('192.0.2.2', 0, { after: 3, forMs: 5000 });
    assert.deepEqual(
      guard.recent(1000).map(({ age, forMs }) => [age, forMs]),
      [[1000, 5000]],
    );
    // A lock-out outlasts the time of the first failure.
    fail(guard, '192.0.2.3', 2);
    fail(guard, '192.0.2.3', 1, 900);
    assert.deepEqual(
      guard.recent(1899).map(({ lockedFor }) => lockedFor),
      [0, 1],
    );
  });

  it('keeps the order in which addresses are forgotten, and no more than there may be', () => {
    const guard = new LoginGuard();
    for (const ip of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.3']) fail(guard, ip, 3);
    const small = new LoginGuard({ most: 2 });
    small.learn(guard.recent(0), 0);
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => small.isLockedOut(ip, 0)),
      [true, false, true],
    );
  });
});

describe('made-up SCRAM secrets', () => {
  it('are the same for a name, others for another, and not to be guessed', () => {
    const guard = new LoginGuard();
    const secret = guard.madeUpSecret('u');
    assert.deepEqual(guard.madeUpSecret('u'), secret);
    assert.notDeepEqual(guard.madeUpSecret('v').salt, secret.salt);
    assert.notDeepEqual(new LoginGuard().madeUpSecret('u').salt, secret.salt);
    assert.notDeepEqual(secret.storedKey, secret.serverKey);
  });

  it('have the form of real ones', () => {
    const { salt, iterations, storedKey, serverKey } = new LoginGuard().madeUpSecret('u');
    assert.deepEqual([salt.length, iterations, storedKey.length, serverKey.length], [16, 4096, 32, 32]);
  });
});
