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

  it('is told by whoever hears of all failures, where there are others to tell', () => {
    const told: string[] = [];
    const guard = new LoginGuard({ tell: (ip) => void told.push(ip) });
    assert.deepEqual(fail(guard, '192.0.2.1', 3), [false, false, false]);
    assert.ok(guard.isLockedOut('192.0.2.1', 999));
    assert.deepEqual(told, ['192.0.2.1', '192.0.2.1', '192.0.2.1']);
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
