import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pauseAfter } from '../../src/spool/retry-plan.ts';
import { Schedule } from '../../src/spool/schedule.ts';
import { seededRandom } from '../support/mail-load.ts';

function takeAll(schedule: Schedule, now: number): string[] {
  const taken: string[] = [];
  for (let id = schedule.take(now); id !== null; id = schedule.take(now)) taken.push(id);
  return taken;
}

describe('Schedule', () => {
  it('gives what is due, the first one first, and only once', () => {
    const schedule = new Schedule();
    for (const [id, due] of [
      ['c', 3],
      ['a', 1],
      ['d', 4],
      ['b', 2],
    ] as const)
      schedule.set(id, due);
    assert.equal(schedule.next, 1);
    assert.deepEqual(takeAll(schedule, 3), ['a', 'b', 'c']);
    assert.deepEqual([schedule.next, schedule.size], [4, 1]);
    assert.deepEqual(takeAll(schedule, 4), ['d']);
    assert.deepEqual([schedule.next, schedule.size], [null, 0]);
  });

  it('knows one time for a message, the last one', () => {
    const schedule = new Schedule();
    for (const due of [5, 9, 1, 7]) schedule.set('a', due);
    assert.deepEqual([schedule.size, schedule.next, schedule.has('a')], [1, 7, true]);
    assert.deepEqual(takeAll(schedule, 6), []);
    assert.deepEqual(takeAll(schedule, 10), ['a']);
    assert.equal(schedule.has('a'), false);
  });

  it('makes all due', () => {
    const schedule = new Schedule();
    for (const [id, due] of [
      ['late', 50],
      ['early', 2],
      ['later', 90],
      ['earlier', 1],
    ] as const)
      schedule.set(id, due);
    schedule.flush(10);
    const taken = takeAll(schedule, 10);
    assert.deepEqual(taken.slice(0, 2), ['earlier', 'early']);
    assert.deepEqual(taken.slice(2).sort(), ['late', 'later']);
  });

  it('does as a sorted list does', () => {
    const random = seededRandom(7);
    const schedule = new Schedule();
    const model = new Map<string, number>();
    for (let step = 0; step < 20_000; step++) {
      const now = Math.floor(random() * 1000);
      if (random() < 0.6) {
        const id = `m${Math.floor(random() * 300)}`;
        schedule.set(id, now);
        model.set(id, now);
      } else if (random() < 0.02) {
        schedule.flush(now);
        for (const [id, due] of model) if (due > now) model.set(id, now);
      } else {
        const least = Math.min(...model.values());
        const id = schedule.take(now);
        if (least > now) assert.equal(id, null);
        else {
          assert.equal(model.get(id ?? ''), least);
          model.delete(id ?? '');
        }
      }
      assert.equal(schedule.size, model.size);
      assert.equal(schedule.next, model.size === 0 ? null : Math.min(...model.values()));
    }
  });

  it('holds 100,000 messages at little cost', () => {
    const schedule = new Schedule();
    const random = seededRandom(1);
    for (let at = 0; at < 100_000; at++) schedule.set(`message-${at}`, Math.floor(random() * 1e6));
    schedule.flush(500_000);
    let last = 0;
    let count = 0;
    for (let next = schedule.next; next !== null; next = schedule.next) {
      assert.ok(next >= last);
      last = next;
      assert.notEqual(schedule.take(next), null);
      count++;
    }
    assert.equal(count, 100_000);
  });
});

describe('pauses between attempts', () => {
  const plan = { firstMs: 300_000, mostMs: 14_400_000, lifetimeMs: 0 };

  it('double up to the longest', () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((attempts) => pauseAfter(plan, attempts, 0.5) / 60_000);
    assert.deepEqual(minutes, [5, 10, 20, 40, 80, 160, 240, 240, 240]);
  });

  it('are a fifth longer or shorter by chance', () => {
    assert.deepEqual([pauseAfter(plan, 1, 0), pauseAfter(plan, 1, 1)], [240_000, 360_000]);
  });
});
