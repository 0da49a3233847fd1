// Counts of clients over several workers: what each tells, and what the others know of it.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';
import { BATCH_MS, CountBoard, SharedCounts } from '../../src/server/shared-counts.ts';
import type { Counts } from '../../src/server/worker-messages.ts';

interface TestWorker {
  readonly counts: SharedCounts;
  readonly limits: ConnectionLimits;
  /** messages that it has sent */
  told: number;
}

const pass = (ms: number) => mock.timers.tick(ms);
/** Long enough for what one worker tells to be known by all. */
const settle = () => {
  pass(BATCH_MS);
  pass(BATCH_MS);
};

/** A parent and its workers, between whom messages take no time. */
function server(settings = { connections: 0, fromIp: 0 }) {
  const board = new CountBoard<TestWorker>((worker, counts) => worker.counts.hear(overTheWire(counts)));
  const join = (): TestWorker => {
    const holder: { worker?: TestWorker } = {};
    const counts = new SharedCounts({ total: 0, from: [] }, (changed) => {
      const { worker } = holder;
      assert.ok(worker !== undefined);
      worker.told++;
      board.hear(worker, overTheWire(changed));
    });
    const worker = { counts, limits: new ConnectionLimits(settings, counts), told: 0 };
    holder.worker = worker;
    counts.hear(board.enter(worker));
    return worker;
  };
  return { board, join };
}

const overTheWire = (counts: Counts) => JSON.parse(JSON.stringify(counts)) as Counts;

describe('counts over workers', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('are known to the others within two batches', () => {
    const { board, join } = server();
    const [a, b] = [join(), join()];
    a.limits.enter('192.0.2.1');
    a.limits.enter('192.0.2.1');
    b.limits.enter('192.0.2.1');
    assert.equal(b.limits.countFrom('192.0.2.1'), 1);
    settle();
    assert.deepEqual([a.limits.countFrom('192.0.2.1'), b.limits.countFrom('192.0.2.1')], [3, 3]);
    assert.deepEqual([a.limits.total, b.limits.total, board.total], [3, 3, 3]);
  });

  it('go back to nothing', () => {
    const { board, join } = server();
    const [a, b] = [join(), join()];
    for (let at = 0; at < 3; at++) a.limits.enter('192.0.2.1');
    settle();
    for (let at = 0; at < 3; at++) a.limits.leave('192.0.2.1');
    settle();
    assert.deepEqual([b.limits.countFrom('192.0.2.1'), b.limits.total, board.total], [0, 0, 0]);
    // A later worker is not told of what is no more.
    assert.deepEqual(board.enter({ ...a }), { total: 0, from: [] });
  });

  it('cost no message for a client that comes and goes within a batch, and one for many', () => {
    const { join } = server();
    const a = join();
    a.limits.enter('192.0.2.1');
    a.limits.leave('192.0.2.1');
    settle();
    assert.equal(a.told, 0);
    for (let at = 0; at < 100; at++) a.limits.enter(`192.0.2.${at}`);
    settle();
    assert.equal(a.told, 1);
  });

  it('hold clients whose address is not known yet, and then those that get one', () => {
    const { join } = server();
    const [a, b] = [join(), join()];
    a.limits.enter(null);
    settle();
    assert.deepEqual([b.limits.total, b.limits.countFrom('192.0.2.1')], [1, 0]);
    a.limits.name('192.0.2.1');
    settle();
    assert.deepEqual([b.limits.total, b.limits.countFrom('192.0.2.1')], [1, 1]);
    a.limits.leave('192.0.2.1');
    a.limits.enter(null);
    a.limits.leave(null);
    settle();
    assert.deepEqual([b.limits.total, b.limits.countFrom('192.0.2.1')], [0, 0]);
  });

  it('of a worker that dies without a word go with it, and nobody hears of it later', () => {
    const { board, join } = server();
    const [a, b, c] = [join(), join(), join()];
    a.limits.enter('192.0.2.1');
    a.limits.enter(null);
    b.limits.enter('192.0.2.1');
    settle();
    assert.deepEqual([c.limits.total, c.limits.countFrom('192.0.2.1')], [3, 2]);
    // It has more that it never said, and its last words come after its end.
    a.limits.enter('192.0.2.1');
    board.leave(a);
    settle();
    assert.deepEqual([c.limits.total, c.limits.countFrom('192.0.2.1')], [1, 1]);
    assert.deepEqual([b.limits.total, b.limits.countFrom('192.0.2.1')], [1, 1]);
    board.leave(a);
    assert.equal(board.total, 1);
  });

  it('are told to a worker that begins, with those of one that serves its last clients', () => {
    const { join } = server();
    const retiring = join();
    retiring.limits.enter('2001:db8::1');
    retiring.limits.enter('192.0.2.1');
    settle();
    const later = join();
    assert.equal(later.limits.total, 2);
    assert.equal(later.limits.countFrom('2001:db8:0:0:ffff::'), 1);
    retiring.limits.leave('192.0.2.1');
    settle();
    assert.deepEqual([later.limits.total, later.limits.countFrom('192.0.2.1')], [1, 0]);
  });

  it('are right for a worker that begins while others have news under way', () => {
    const { join } = server();
    const a = join();
    a.limits.enter('192.0.2.1');
    pass(BATCH_MS);
    // The parent knows, and is yet to tell.
    const b = join();
    assert.equal(b.limits.countFrom('192.0.2.1'), 1);
    a.limits.leave('192.0.2.1');
    settle();
    assert.equal(b.limits.countFrom('192.0.2.1'), 0);
  });

  it('agree after any order of comings, goings and deaths', () => {
    const { board, join } = server();
    let seed = 1;
    const random = (most: number) => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % most;
    };
    const workers = [join(), join(), join()];
    const present = new Map(workers.map((worker) => [worker, [] as string[]]));
    for (let step = 0; step < 5000; step++) {
      const at = random(workers.length);
      const worker = workers[at];
      const clients = worker === undefined ? undefined : present.get(worker);
      assert.ok(worker !== undefined && clients !== undefined);
      const what = random(100);
      if (what < 50) {
        const ip = `192.0.2.${random(5)}`;
        worker.limits.enter(ip);
        clients.push(ip);
      } else if (what < 97) {
        const ip = clients.pop();
        if (ip !== undefined) worker.limits.leave(ip);
      } else {
        board.leave(worker);
        present.delete(worker);
        const next = join();
        workers[at] = next;
        present.set(next, []);
      }
      pass(random(BATCH_MS));
    }
    settle();
    const all = [...present.values()].flat();
    for (const { limits } of workers) {
      assert.equal(limits.total, all.length);
      for (let at = 0; at < 5; at++) {
        const ip = `192.0.2.${at}`;
        assert.equal(limits.countFrom(ip), all.filter((one) => one === ip).length);
      }
    }
    assert.equal(board.total, all.length);
  });
});

describe('limits over workers', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('can be passed in a burst by what the other workers have room for, and by nobody behind it', () => {
    const limit = 5;
    const { join } = server({ connections: 0, fromIp: limit });
    const workers = [join(), join(), join(), join()];
    const arrive = (count: number) => {
      let accepted = 0;
      for (let at = 0; at < count; at++) {
        const { limits } = workers[at % workers.length] ?? join();
        if (limits.enter('192.0.2.1') === null) accepted++;
        else limits.leave('192.0.2.1');
      }
      return accepted;
    };
    // Two are there, and everybody knows: each worker may take three more before it hears of the others.
    assert.equal(arrive(2), 2);
    settle();
    assert.equal(arrive(1000), (limit - 2) * workers.length);
    settle();
    assert.equal(arrive(1000), 0);
  });
});
