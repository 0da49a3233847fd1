// The workers of a forkserver without processes: who is started when, who is told what, and what is said of it.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { BATCH_MS } from '../../src/server/shared-counts.ts';
import { SharedState } from '../../src/server/shared-state.ts';
import { TicketKeys } from '../../src/server/tls-ticket-keys.ts';
import type { FromWorker, ToWorker, WorkerOrders } from '../../src/server/worker-messages.ts';
import { Workers } from '../../src/server/workers.ts';

class FakeChild extends EventEmitter {
  readonly pid: number;
  readonly sent: ToWorker[] = [];
  readonly signals: string[] = [];
  connected = true;

  constructor(pid: number) {
    super();
    this.pid = pid;
  }

  send(message: unknown): boolean {
    this.sent.push(message as ToWorker);
    return true;
  }

  kill(signal?: NodeJS.Signals | number): boolean {
    this.signals.push(String(signal));
    return true;
  }

  says(message: FromWorker): void {
    this.emit('message', message);
  }

  serves(): void {
    this.says({ kind: 'serving' } as FromWorker);
  }

  ends(how: number | NodeJS.Signals): void {
    this.connected = false;
    this.emit('exit', typeof how === 'number' ? how : null, typeof how === 'number' ? null : how);
  }

  get orders(): WorkerOrders {
    const [first] = this.sent;
    assert.ok(first?.kind === 'start');
    return first.orders;
  }

  /** what it was told beside its orders, of this kind */
  heard<K extends ToWorker['kind']>(kind: K): Extract<ToWorker, { kind: K }>[] {
    return this.sent.filter((message): message is Extract<ToWorker, { kind: K }> => message.kind === kind);
  }
}

function setUp(count: number) {
  const time = { now: 1000 };
  const children: FakeChild[] = [];
  const logged: string[] = [];
  const now = () => time.now;
  const workers = new Workers({
    count,
    sockets: [],
    standing: {
      configs: [],
      limitConnections: 0,
      maxFromIp: 0,
      dns: null,
      noRdns: false,
      stallMs: 10_000,
    },
    tickets: new TicketKeys(now),
    state: new SharedState(now),
    isMute: false,
    now,
    log: (level, text) => void logged.push(`${level}: ${text}`),
    spawn: () => {
      const child = new FakeChild(100 + children.length);
      children.push(child);
      return child;
    },
  });
  const pass = (ms: number) => {
    time.now += ms;
    mock.timers.tick(ms);
  };
  const child = (at: number): FakeChild => {
    const one = children[at];
    assert.ok(one !== undefined, `there is no child ${at}`);
    return one;
  };
  return { workers, children, child, logged, pass, time };
}

/** All serve. */
async function running(count: number) {
  const all = setUp(count);
  const started = all.workers.start();
  all.child(0).serves();
  assert.equal(await started, true);
  for (let at = 1; at < count; at++) all.child(at).serves();
  return all;
}

const soon = () => new Promise((resolve) => setImmediate(resolve));
const failure = { ip: '192.0.2.1', age: 0, limits: { after: 3, forMs: 1000 } };

describe('workers', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
  afterEach(() => mock.timers.reset());

  it('begin with one; the others follow when it serves', async () => {
    const { workers, children, child } = setUp(3);
    const started = workers.start();
    await soon();
    assert.equal(children.length, 1);
    assert.equal(child(0).orders.isFirst, true);
    child(0).serves();
    assert.equal(await started, true);
    assert.deepEqual(
      children.map(({ orders }) => orders.isFirst),
      [true, false, false],
    );
    assert.match(workers.status, /^1 of 3 workers \(100\), 0 connections$/);
  });

  it('do not begin at all where the first does not come to serve', async () => {
    const { workers, children, child } = setUp(3);
    const started = workers.start();
    child(0).ends(1);
    assert.equal(await started, false);
    assert.equal(children.length, 1);
  });

  it('that cannot be started are workers that do not come to serve', async () => {
    const { workers, child } = setUp(1);
    const started = workers.start();
    child(0).emit('error', new Error('spawn EAGAIN'));
    assert.equal(await started, false);
  });

  it('that die after a while are replaced at once', async () => {
    const { children, child, pass, logged } = await running(2);
    pass(5000);
    child(1).ends('SIGKILL');
    assert.equal(children.length, 3);
    assert.ok(logged.includes('error: error, worker 101 has died (SIGKILL)'), logged.join('\n'));
  });

  it('that die as soon as they serve are replaced later and later', async () => {
    const { children, child, pass } = await running(1);
    for (const wait of [100, 200, 400, 800]) {
      const before = children.length;
      child(before - 1).ends(1);
      pass(wait - 1);
      assert.equal(children.length, before, `${wait - 1} ms`);
      pass(1);
      assert.equal(children.length, before + 1, `${wait} ms`);
      child(before).serves();
    }
    pass(1000);
    child(children.length - 1).ends(1);
    assert.equal(children.length, 6);
  });

  it('are changed by a reload: new ones serve before old ones retire', async () => {
    const { workers, children, child } = await running(2);
    const reloaded = workers.reload();
    assert.equal(children.length, 3);
    child(2).serves();
    await soon();
    assert.equal(children.length, 4);
    assert.deepEqual([child(0).heard('retire'), child(1).heard('retire')], [[], []]);
    child(3).serves();
    assert.equal(await reloaded, true);
    for (const [at, times] of [1, 1, 0, 0].entries()) assert.equal(child(at).heard('retire').length, times);
    assert.match(workers.status, /^2 of 2 workers \(102, 103\), 2 with their last clients, /);
    child(0).ends(0);
    child(1).ends(0);
    assert.equal(children.length, 4);
  });

  it('stay where the new configuration is no good', async () => {
    const { workers, children, child, logged } = await running(2);
    const reloaded = workers.reload();
    child(2).ends(1);
    assert.equal(await reloaded, false);
    assert.equal(children.length, 3);
    assert.deepEqual([child(0).heard('retire'), child(1).heard('retire')], [[], []]);
    assert.ok(logged.some((line) => line.includes('the new configuration is not used')));
  });

  it('that are not heard of are killed, but not where the parent itself stood still', async () => {
    const { child, pass, time } = await running(1);
    // Sixteen seconds in which the parent did not run either.
    time.now += 16_000;
    pass(1000);
    assert.deepEqual(child(0).signals, []);
    for (let second = 0; second < 14; second++) pass(1000);
    child(0).says({ kind: 'alive' });
    for (let second = 0; second < 14; second++) pass(1000);
    assert.deepEqual(child(0).signals, []);
    for (let second = 0; second < 2; second++) pass(1000);
    assert.equal(child(0).signals[0], 'SIGKILL');
  });

  it('hear of failed logins of the others, later ones in their orders, retiring ones too', async () => {
    const { workers, child, pass } = await running(2);
    child(0).says({ kind: 'failure', failure });
    assert.deepEqual(child(1).heard('failure'), [{ kind: 'failure', failure }]);
    assert.deepEqual(child(0).heard('failure'), []);
    pass(300);
    const reloaded = workers.reload();
    const [known, ...others] = child(2).orders.logins;
    assert.deepEqual([known?.failures, known?.age, known?.lockedFor, others], [1, 300, 0, []]);
    // It has its orders, and is yet to serve.
    child(1).says({ kind: 'failure', failure });
    assert.equal(child(2).heard('failure').length, 1);
    child(2).serves();
    await soon();
    child(3).serves();
    await reloaded;
    child(2).says({ kind: 'failure', failure });
    assert.equal(child(0).heard('failure').length, 2);
  });

  it('are told of by the parent when an address is locked out, once, whoever saw the failures', async () => {
    const { child, logged } = await running(3);
    for (const at of [0, 1, 2, 0]) child(at).says({ kind: 'failure', failure });
    assert.deepEqual(
      logged.filter((line) => line.includes('locked out')),
      ['warn: fail, too many failed logins: 192.0.2.1 is locked out for a while'],
    );
  });

  it('hear of what was delivered although its client heard a refusal', async () => {
    const { workers, child, pass } = await running(2);
    const news = { keys: ['s\nr\n4\nid'], digest: 'd', age: 0 };
    child(0).says({ kind: 'delivered', news });
    assert.deepEqual(child(1).heard('delivered'), [{ kind: 'delivered', news }]);
    pass(300);
    void workers.reload();
    assert.deepEqual(child(2).orders.delivered, [{ ...news, age: 300 }]);
  });

  it('all have the same secrets: of made-up logins, and of TLS tickets', async () => {
    const { workers, child, pass } = await running(2);
    pass(100);
    void workers.reload();
    const [one, other, later] = [child(0).orders, child(1).orders, child(2).orders];
    assert.match(one.loginKey, /^[0-9a-f]{64}$/);
    assert.deepEqual([other.loginKey, later.loginKey], [one.loginKey, one.loginKey]);
    assert.match(one.tickets.seed, /^[0-9a-f]{64}$/);
    assert.deepEqual([other.tickets.seed, later.tickets.seed], [one.tickets.seed, one.tickets.seed]);
    assert.deepEqual([one.tickets.age, later.tickets.age], [0, 100]);
  });

  it('hear how many clients the others have, and that those of a dead one are gone', async () => {
    const { workers, child, pass } = await running(2);
    pass(5000);
    child(0).says({ kind: 'counts', counts: { total: 2, from: [['192.0.2.1', 2]] } });
    pass(BATCH_MS);
    assert.deepEqual(child(1).heard('elsewhere').at(-1)?.counts, { total: 2, from: [['192.0.2.1', 2]] });
    assert.match(workers.status, /, 2 connections$/);
    child(0).ends('SIGKILL');
    assert.deepEqual(child(2).orders.counts, { total: 0, from: [] });
    pass(BATCH_MS);
    assert.deepEqual(child(1).heard('elsewhere').at(-1)?.counts, { total: 0, from: [['192.0.2.1', 0]] });
  });

  it('are all told to stop, and killed at the limit', async () => {
    const { workers, children, child, pass } = await running(2);
    const stopped = workers.stop(1000);
    for (const each of children) assert.equal(each.heard('stop').length, 1);
    child(0).ends(0);
    pass(1000);
    assert.equal(child(1).signals[0], 'SIGKILL');
    child(1).ends('SIGKILL');
    await stopped;
    assert.equal(children.length, 2);
  });

  it('take what they do not know for nothing', async () => {
    const { child, workers } = await running(1);
    for (const odd of [null, 7, 'text', {}, { kind: 'of a later version' }]) child(0).emit('message', odd);
    assert.match(workers.status, /^1 of 1 workers/);
  });
});
