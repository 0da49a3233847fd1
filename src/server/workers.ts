// The workers of a forkserver: keeps as many alive as asked for, replaces those that die or hang, changes all of them
// for new ones without a moment in which nobody takes clients, and passes on what all have to know.

import { randomBytes } from 'node:crypto';
import type { LogLevel } from '../contract/codes.ts';
import type { ListenAddress } from './listen-address.ts';
import { CountBoard } from './shared-counts.ts';
import { SharedFailures } from './shared-failures.ts';
import type { FromWorker, WorkerOrders } from './worker-messages.ts';
import { FIRST_SOCKET, WorkerProcess } from './worker-process.ts';

export interface OpenSocket {
  readonly fd: number;
  readonly address: ListenAddress;
}

type Standing = Pick<
  WorkerOrders,
  'configs' | 'limitConnections' | 'maxFromIp' | 'dns' | 'noRdns' | 'stallMs'
>;

export interface WorkersMeans {
  readonly count: number;
  /** the sockets of the worker in a slot */
  sockets(slot: number): readonly OpenSocket[];
  readonly standing: Standing;
  /** milliseconds of a clock that only goes forward */
  now(): number;
  log(level: LogLevel, text: string): void;
}

/** Who has served for less, in milliseconds, may die at every start. */
const SHORT_LIFE_MS = 1000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const LOOK_MS = 1000;
/** A worker ends itself when it hangs, and names the plugin; one that cannot even do that gets so much more time. */
const GRACE_MS = 5000;
/** How many of each slot may still serve their last clients. */
const MOST_RETIRING = 4;

export class Workers {
  readonly #means: WorkersMeans;
  readonly #all = new Set<WorkerProcess>();
  readonly #counts = new CountBoard<WorkerProcess>((worker, counts) =>
    worker.send({ kind: 'elsewhere', counts }),
  );
  readonly #failures: SharedFailures;
  readonly #loginKey = randomBytes(32).toString('hex');
  /** slots for which a start is waited for */
  readonly #pauses = new Map<number, NodeJS.Timeout>();
  #shortLives = 0;
  #generation = 0;
  #isFirst = true;
  #isReloading = false;
  #reloadAgain = false;
  #isStopping = false;
  #looked: number;

  constructor(means: WorkersMeans) {
    this.#means = means;
    this.#failures = new SharedFailures(means.now);
    this.#looked = means.now();
  }

  get status(): string {
    const retiring = [...this.#all].filter(({ state }) => state === 'retiring').length;
    const serving = [...this.#all].filter(({ state }) => state === 'serving').map(({ pid }) => pid);
    const old = retiring > 0 ? `, ${retiring} with their last clients` : '';
    return `${serving.length} of ${this.#means.count} workers (${serving.join(', ')})${old}, ${this.#counts.total} connections`;
  }

  /** Gives false where the first worker does not come to serve: it has said why. */
  async start(): Promise<boolean> {
    const first = this.#launch(0);
    if (!(await first.ready)) return false;
    this.#isFirst = false;
    for (let slot = 1; slot < this.#means.count; slot++) this.#launch(slot);
    setInterval(() => this.#lookAfter(), LOOK_MS).unref();
    return true;
  }

  /** Changes all workers for new ones; keeps the old ones where the first new one does not come to serve. */
  async reload(): Promise<void> {
    if (this.#isStopping) return;
    this.#reloadAgain = this.#isReloading;
    if (this.#isReloading) return;
    this.#isReloading = true;
    do {
      this.#reloadAgain = false;
      await this.#changeAll();
    } while (this.#reloadAgain && !this.#isStopping);
    this.#isReloading = false;
    this.#fill();
  }

  /** Resolves when all are gone; those that are not at the limit are killed. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    for (const pause of this.#pauses.values()) clearTimeout(pause);
    const all = [...this.#all];
    for (const worker of all) worker.stop();
    const kill = setTimeout(() => {
      for (const worker of all) worker.signal('SIGKILL');
    }, limitMs);
    await Promise.all(all.map(({ exited }) => exited));
    clearTimeout(kill);
  }

  /** Each worker says how it is. */
  report(): void {
    for (const worker of this.#all) worker.signal('SIGUSR1');
  }

  async #changeAll(): Promise<void> {
    this.#generation++;
    const old = [...this.#all].filter(({ isActive }) => isActive);
    const first = this.#launch(0);
    if (!(await first.ready)) {
      this.#generation--;
      if (!this.#isStopping)
        this.#log('error', 'error, the new configuration is not used: the old workers go on');
      return;
    }
    const others = Array.from({ length: this.#means.count - 1 }, (_, at) => this.#launch(at + 1));
    await Promise.all(others.map(({ ready }) => ready));
    for (const worker of old) worker.retire();
    this.#endOldest();
    this.#log('notice', 'configuration is read anew: new workers have taken over');
  }

  #launch(slot: number): WorkerProcess {
    const { sockets, standing, now } = this.#means;
    const given = sockets(slot);
    const worker = new WorkerProcess(
      slot,
      this.#generation,
      given.map(({ fd }) => fd),
      now(),
      { heard: (who, message) => this.#hear(who, message), gone: (who, how) => this.#bury(who, how) },
    );
    this.#all.add(worker);
    worker.start({
      ...standing,
      sockets: given.map(({ address }, at) => ({ address, fd: FIRST_SOCKET + at })),
      loginKey: this.#loginKey,
      failures: this.#failures.recent(),
      counts: this.#counts.enter(worker),
      isFirst: this.#isFirst,
    });
    if (this.#isStopping) worker.stop();
    return worker;
  }

  #hear(worker: WorkerProcess, message: FromWorker): void {
    const now = this.#means.now();
    worker.heardAt = now;
    if (message.kind === 'counts') this.#counts.hear(worker, message.counts);
    else if (message.kind === 'failure') {
      this.#failures.note(message.failure);
      for (const other of this.#all) if (other !== worker) other.send(message);
    } else if (message.kind === 'serving' && worker.state === 'starting') {
      worker.state = 'serving';
      worker.servingSince = now;
    }
  }

  #bury(worker: WorkerProcess, how: string): void {
    this.#all.delete(worker);
    this.#counts.leave(worker);
    if (!worker.isActive || this.#isStopping || this.#isFirst) return;
    const isNews = worker.state === 'serving';
    const lived = worker.servingSince === null ? 0 : this.#means.now() - worker.servingSince;
    this.#shortLives = lived < SHORT_LIFE_MS ? this.#shortLives + 1 : 0;
    this.#log(
      'error',
      `error, worker ${worker.pid} ${isNews ? 'has died' : 'did not come to serve'} (${how})`,
    );
    worker.state = 'gone';
    this.#fill();
  }

  /** Starts what is missing: at once, or after a while where workers die as soon as they live. */
  #fill(): void {
    if (this.#isStopping || this.#isReloading) return;
    for (let slot = 0; slot < this.#means.count; slot++) {
      const isFilled = [...this.#all].some((worker) => worker.slot === slot && worker.isActive);
      if (isFilled || this.#pauses.has(slot)) continue;
      if (this.#shortLives === 0) this.#launch(slot);
      else this.#launchLater(slot);
    }
  }

  #launchLater(slot: number): void {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#shortLives - 1, 20));
    if (pause >= 1000) this.#log('warn', `the next worker is started in ${Math.round(pause / 1000)} s`);
    this.#pauses.set(
      slot,
      setTimeout(() => {
        this.#pauses.delete(slot);
        const isFilled = [...this.#all].some((worker) => worker.slot === slot && worker.isActive);
        if (!isFilled && !this.#isStopping) this.#launch(slot);
      }, pause),
    );
  }

  #lookAfter(): void {
    const { now, standing } = this.#means;
    const since = now() - this.#looked;
    this.#looked = now();
    // Whoever did not run itself cannot tell that others do not.
    if (since > 3 * LOOK_MS) for (const worker of this.#all) worker.heardAt = now();
    for (const worker of this.#all) {
      const silence = now() - worker.heardAt;
      if (worker.state === 'starting' || silence < standing.stallMs + GRACE_MS) continue;
      this.#log(
        'error',
        `error, worker ${worker.pid} has not been heard of for ${Math.round(silence / 1000)} s: it is killed`,
      );
      worker.signal('SIGKILL');
    }
  }

  #endOldest(): void {
    const retiring = [...this.#all].filter(({ state }) => state === 'retiring');
    const most = MOST_RETIRING * this.#means.count;
    for (const worker of retiring.slice(0, Math.max(0, retiring.length - most))) worker.stop();
  }

  #log(level: LogLevel, text: string): void {
    this.#means.log(level, text);
  }
}
