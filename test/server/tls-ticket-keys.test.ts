// Ticket keys that several processes have in common without talking about it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TicketKeys } from '../../src/server/tls-ticket-keys.ts';

const HALF_DAY = 12 * 3600 * 1000;

function clocked(start = 0) {
  const time = { ms: start };
  return { time, now: () => time.ms };
}

describe('ticket keys', () => {
  it('are 48 octets, others in each server', () => {
    const keys = new TicketKeys(clocked().now);
    assert.equal(keys.current.length, 48);
    assert.notDeepEqual(keys.current, new TicketKeys(clocked().now).current);
  });

  it('are the same Buffer for twelve hours, then another one', () => {
    const { time, now } = clocked(500);
    const keys = new TicketKeys(now);
    const first = keys.current;
    time.ms += HALF_DAY - 1;
    assert.equal(keys.current, first);
    time.ms += 1;
    const second = keys.current;
    assert.notDeepEqual(second, first);
    time.ms += HALF_DAY - 1;
    assert.equal(keys.current, second);
  });

  it('are the same in a worker that begins late and has a clock of its own, and stay so', () => {
    const parent = clocked(1_000_000);
    const keys = new TicketKeys(parent.now);
    parent.time.ms += 2.5 * HALF_DAY;
    const worker = clocked(7);
    const others = new TicketKeys(worker.now, keys.share);
    for (let step = 0; step < 4; step++) {
      assert.deepEqual(others.current, keys.current);
      parent.time.ms += HALF_DAY / 2;
      worker.time.ms += HALF_DAY / 2;
      assert.deepEqual(others.current, keys.current);
    }
  });

  it('are the same however seldom they are asked for', () => {
    const time = { ms: 0 };
    const often = new TicketKeys(() => time.ms);
    const seldom = new TicketKeys(() => time.ms, often.share);
    for (time.ms = 0; time.ms < 5 * HALF_DAY; time.ms += HALF_DAY / 3) assert.equal(often.current.length, 48);
    assert.deepEqual(seldom.current, often.current);
  });

  it('cannot be had again from what a later worker is given', () => {
    const { time, now } = clocked();
    const keys = new TicketKeys(now);
    const first = keys.current;
    const early = keys.share;
    time.ms = HALF_DAY;
    const { seed, age } = keys.share;
    assert.equal(age, 0);
    assert.notEqual(seed, early.seed);
    assert.notDeepEqual(new TicketKeys(now, { seed, age }).current, first);
  });
});
