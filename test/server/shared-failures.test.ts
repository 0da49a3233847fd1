// Failed logins that a worker of later has to know of.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedFailures } from '../../src/server/shared-failures.ts';
import { LoginGuard } from '../../src/session/login-guard.ts';

const limits = { after: 3, forMs: 1000 };
const failure = (ip: string, age = 0) => ({ ip, age, limits });

function remembered() {
  const time = { now: 5_000_000 };
  return { time, failures: new SharedFailures(() => time.now) };
}

/** A guard as a worker with a clock of its own makes it. */
function guardOf(failures: SharedFailures, now: number): LoginGuard {
  const guard = new LoginGuard();
  for (const { ip, age, limits: its } of failures.recent()) guard.noteElsewhere(ip, now - age, its);
  return guard;
}

describe('shared failures', () => {
  it('are given oldest first, with their age', () => {
    const { time, failures } = remembered();
    failures.note(failure('192.0.2.1'));
    time.now += 300;
    // It was 100 milliseconds on its way.
    failures.note(failure('192.0.2.2', 100));
    time.now += 50;
    assert.deepEqual(failures.recent(), [failure('192.0.2.1', 350), failure('192.0.2.2', 150)]);
  });

  it('lock the same addresses out in a later worker, until the same moment', () => {
    const { time, failures } = remembered();
    for (const wait of [0, 900, 50]) {
      time.now += wait;
      failures.note(failure('192.0.2.1'));
    }
    failures.note(failure('192.0.2.2'));
    time.now += 999;
    const late = guardOf(failures, 40);
    assert.ok(late.isLockedOut('192.0.2.1', 40));
    assert.ok(!late.isLockedOut('192.0.2.1', 41));
    assert.ok(!late.isLockedOut('192.0.2.2', 40));
    time.now += 1;
    assert.ok(!guardOf(failures, 40).isLockedOut('192.0.2.1', 40));
  });

  it('count on in a later worker', () => {
    const { time, failures } = remembered();
    failures.note(failure('192.0.2.1'));
    failures.note(failure('192.0.2.1'));
    time.now += 999;
    assert.equal(guardOf(failures, 7).noteFailure('192.0.2.1', 7, limits), true);
    time.now += 1;
    assert.equal(guardOf(failures, 7).noteFailure('192.0.2.1', 7, limits), false);
  });

  it('are forgotten when they can count no more', () => {
    const { time, failures } = remembered();
    failures.note(failure('192.0.2.1'));
    failures.note({ ...failure('192.0.2.2'), limits: { after: 3, forMs: 5000 } });
    time.now += 2000;
    assert.deepEqual(
      failures.recent().map(({ ip }) => ip),
      ['192.0.2.2'],
    );
  });

  it('do not grow without end: of 20,000 the older half goes', () => {
    const { failures } = remembered();
    for (let at = 0; at <= 20_000; at++) failures.note(failure(`h${at}`));
    const left = failures.recent();
    assert.equal(left.length, 10_001);
    assert.deepEqual([left[0]?.ip, left.at(-1)?.ip], ['h10000', 'h20000']);
  });
});
