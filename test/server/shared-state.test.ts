// What the processes of a server know together: over the workers of one, and from one server to the next. The channel
// between the two is one in memory, which passes on what JSON leaves of a message.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';
import { type Channel, Kin } from '../../src/server/kin.ts';
import { readMemory } from '../../src/server/memory.ts';
import { BATCH_MS } from '../../src/server/shared-counts.ts';
import { SharedState } from '../../src/server/shared-state.ts';
import type { News } from '../../src/server/worker-messages.ts';

const limits = { after: 3, forMs: 1000 };
const ip = '192.0.2.1';

class End extends EventEmitter implements Channel {
  connected = true;
  other: End | null = null;
  /** messages that wait to be read; null: they are read at once */
  waiting: News[] | null = null;
  /** messages that were sent, with what was to be called then */
  readonly sent: News[] = [];

  send(message: News, _handle?: undefined, _options?: undefined, done?: () => void): boolean {
    this.sent.push(message);
    const { other } = this;
    if (other?.waiting) other.waiting.push(message);
    else {
      other?.emit('message', JSON.parse(JSON.stringify(message)));
      done?.();
    }
    return true;
  }

  disconnect(): void {
    for (const end of [this, this.other]) {
      if (end === null || !end.connected) continue;
      end.connected = false;
      end.emit('disconnect');
    }
  }
}

function channel(): [End, End] {
  const [one, other] = [new End(), new End()];
  one.other = other;
  other.other = one;
  return [one, other];
}

interface Server {
  readonly state: SharedState;
  readonly time: { now: number };
}

function server(now = 5_000_000, given: unknown = undefined): Server {
  const time = { now };
  return { state: new SharedState(() => time.now, readMemory(given).memory), time };
}

/** As SIGUSR2 has it, with a clock of its own for the new one. */
function handOver(old: Server) {
  const [here, there] = channel();
  const toNew = new Kin(here, { isRetiring: false });
  toNew.join(old.state);
  const next = server(40, JSON.parse(JSON.stringify(old.state.memory)));
  const toOld = new Kin(there, { isRetiring: true });
  toOld.join(next.state);
  const serves = () => toNew.tell({ kind: 'counts', counts: old.state.count(toNew) });
  return { next, here, there, toNew, serves };
}

const fail = ({ state, time }: Server, times: number) => {
  for (let at = 0; at < times; at++) state.logins.noteFailure(ip, time.now, limits);
};
const isOut = ({ state, time }: Server) => state.logins.isLockedOut(ip, time.now);

const half = (digest: string | null): News => ({ kind: 'delivered', news: { keys: ['k'], digest, age: 0 } });
const knows = ({ state, time }: Server) => state.delivered.recent(time.now).map(({ digest }) => digest);
const somebody = { tell() {} };

/** What a server of one process has: limits that count for all when they are shared. */
const sharedLimits = ({ state }: Server) => {
  const own = new ConnectionLimits({ connections: 0, fromIp: 2 });
  own.share(() => state.ownClients());
  return own;
};
/** Long enough for three servers in a row. */
const settle = () => {
  for (let batch = 0; batch < 5; batch++) mock.timers.tick(BATCH_MS);
};

describe('a server that takes the place of another', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('has locked out whoever was, as long as the old one has', () => {
    const old = server();
    fail(old, 3);
    old.time.now += 400;
    const { next } = handOver(old);
    assert.ok(isOut(next));
    next.time.now += 599;
    assert.ok(isOut(next));
    next.time.now += 1;
    assert.ok(!isOut(next));
  });

  it('counts on, and so does the old one, whoever sees the next failure', () => {
    for (const sees of ['old', 'next'] as const) {
      const old = server();
      fail(old, 2);
      const both = { old, ...handOver(old) };
      fail(both[sees], 1);
      assert.deepEqual([isOut(old), isOut(both.next)], [true, true], sees);
    }
  });

  it('makes up the same secrets for users that do not exist', () => {
    const old = server();
    assert.deepEqual(handOver(old).next.state.logins.madeUpSecret('u'), old.state.logins.madeUpSecret('u'));
    assert.notDeepEqual(server().state.logins.madeUpSecret('u'), old.state.logins.madeUpSecret('u'));
  });

  it('knows who has half a message, and what becomes of it at the old one', () => {
    const old = server();
    old.state.hear(somebody, half('one'));
    const { next } = handOver(old);
    assert.deepEqual(knows(next), ['one']);
    old.state.hear(somebody, half('two'));
    assert.deepEqual(knows(next), ['two']);
    next.state.hear(somebody, half(null));
    assert.deepEqual([knows(next), knows(old)], [[], []]);
  });

  it('hears what the old one learns before it can listen', () => {
    const old = server();
    const [here, there] = channel();
    new Kin(here, { isRetiring: false }).join(old.state);
    const next = server(40, old.state.memory);
    const toOld = new Kin(there, { isRetiring: true });
    fail(old, 3);
    assert.ok(!isOut(next));
    toOld.join(next.state);
    assert.ok(isOut(next));
  });

  it('counts the clients of the old one until they leave, or it is gone', () => {
    const old = server();
    const before = sharedLimits(old);
    for (let at = 0; at < 2; at++) before.enter(ip);
    settle();
    const { next, here, serves } = handOver(old);
    const after = sharedLimits(next);
    serves();
    settle();
    assert.equal(after.enter(ip), 'too many connections from your address');
    after.leave(ip);
    before.leave(ip);
    settle();
    assert.deepEqual([after.total, after.countFrom(ip), after.enter(ip)], [1, 1, null]);
    settle();
    assert.equal(next.state.clients, 2);
    here.disconnect();
    settle();
    assert.deepEqual([after.total, after.countFrom(ip), next.state.clients], [1, 1, 1]);
  });

  it('tells the old one nothing of its clients', () => {
    const old = server();
    const { next, there, serves } = handOver(old);
    serves();
    sharedLimits(next).enter(ip);
    settle();
    assert.deepEqual(there.sent, []);
  });

  it('passes on between the one before and the one behind it', () => {
    const first = server();
    const one = handOver(first);
    one.serves();
    const two = handOver(one.next);
    two.serves();
    const before = sharedLimits(first);
    before.enter(ip);
    settle();
    assert.equal(two.next.state.clients, 1);
    fail(first, 1);
    fail(one.next, 1);
    fail(two.next, 1);
    assert.deepEqual([first, one.next, two.next].map(isOut), [true, true, true]);
    // Everybody hears of each once.
    assert.equal(one.here.sent.filter(({ kind }) => kind === 'failure').length, 1);
    assert.equal(one.there.sent.length, 2);
  });

  it('goes on alone when the old one is gone, and the old one where it does not come to serve', () => {
    const old = server();
    const { next, here, there, toNew } = handOver(old);
    toNew.part();
    fail(old, 3);
    assert.ok(isOut(old));
    assert.deepEqual(here.sent, []);
    here.disconnect();
    fail(next, 3);
    assert.deepEqual(there.sent, []);
  });

  it('is as little as it can be for one that has gone before it is joined', () => {
    const [here, there] = channel();
    const kin = new Kin(here, { isRetiring: true });
    there.disconnect();
    const { state } = server();
    kin.join(state);
    state.logins.noteFailure(ip, 0, limits);
    assert.deepEqual(here.sent, []);
    kin.part();
  });

  it('takes nothing for news that has not their form', () => {
    const old = server();
    const { next, here } = handOver(old);
    for (const odd of [null, 7, { kind: 'serving' }, { kind: 'counts', counts: {} }, { kind: 'failure' }])
      here.other?.emit('message', odd);
    assert.deepEqual([next.state.clients, isOut(next)], [0, false]);
  });

  it('does not pile up news for one that stands still, but for counts', () => {
    const old = server();
    const { here, there, serves } = handOver(old);
    there.waiting = [];
    fail(old, 10_001);
    assert.equal(here.sent.length, 10_000);
    serves();
    assert.equal(here.sent.at(-1)?.kind, 'counts');
  });
});

describe('what the workers of one server know', () => {
  it('is told to all but the one that says it, and to none that is gone', () => {
    const { state } = server();
    const heard: string[] = [];
    const worker = (name: string) => ({ tell: ({ kind }: News) => void heard.push(`${name} ${kind}`) });
    const [a, b, c] = [worker('a'), worker('b'), worker('c')];
    for (const one of [a, b, c]) state.enter(one);
    state.leave(c);
    assert.equal(state.hear(a, half('x')), false);
    const failure: News = { kind: 'failure', failure: { ip, age: 0, limits } };
    assert.deepEqual(
      [a, b, a].map((from) => state.hear(from, failure)),
      [false, false, true],
    );
    assert.deepEqual(heard, ['b delivered', 'b failure', 'a failure', 'b failure']);
  });

  it('lets a failure count from when it was', () => {
    const { state, time } = server();
    const aged = (age: number): News => ({ kind: 'failure', failure: { ip, age, limits } });
    state.hear(somebody, aged(0));
    state.hear(somebody, aged(0));
    assert.equal(state.hear(somebody, aged(900)), true);
    assert.ok(state.logins.isLockedOut(ip, time.now + 99));
    assert.ok(!state.logins.isLockedOut(ip, time.now + 100));
  });
});
