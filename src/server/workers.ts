// The workers of a forkserver: keeps as many alive as asked for, replaces those that die or hang, changes all of them
// for new ones without a moment in which nobody takes clients, and passes on what all have to know.

import type { LogLevel } from '../contract/codes.ts';
import type { OpenSocket } from './bound-sockets.ts';
import { FIRST_SOCKET } from './own-program.ts';
import { ParentLog } from './parent-log.ts';
import type { SharedState } from './shared-state.ts';
import type { TicketKeys } from './tls-ticket-keys.ts';
import type { FromWorker, WorkerOrders } from './worker-messages.ts';
import { spawnWorker, type WorkerChild, WorkerProcess } from './worker-process.ts';

type Standing = Pick<
  WorkerOrders,
  'configs' | 'limitConnections' | 'maxFromIp' | 'dns' | 'noRdns' | 'stallMs'
>;

export interface WorkersMeans {
  readonly count: number;
  /** shared by all of them */
  readonly sockets: readonly OpenSocket[];
  readonly standing: Standing;
  readonly tickets: TicketKeys;
  readonly state: SharedState;
  /** standard error leads nowhere */
  readonly isMute: boolean;
  /** how a process is started, where a test wants it otherwise @param sockets file descriptors for it */
  readonly spawn?: (sockets: readonly number[]) => WorkerChild;
  /** milliseconds of a clock that only goes forward */
  now(): number;
  /** to standard error */
  log(level: LogLevel, text: string): void;
}

/** Who has served for less, in milliseconds, may die at every start. */
const SHORT_LIFE_MS = 1000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** Where they do not even come to serve, somebody may be mending the configuration. */
const LONGEST_START_PAUSE_MS = 5000;
/** Plugins may have databases to read before they serve. */
const START_MS = 60_000;
/** A failure that stays the same is told so often. */
const REPEAT_MS = 60_000;
const LOOK_MS = 1000;
/** A worker ends itself when it hangs, and names the plugin; one that cannot even do that gets so much more time. */
const GRACE_MS = 5000;
/** How many of each slot may still serve their last clients. */
const MOST_RETIRING = 4;

export class Workers {
  readonly #means: WorkersMeans;
  readonly #all = new Set<WorkerProcess>();
  readonly #log: ParentLog<WorkerProcess>;
  /** slots for which a start is waited for */
  readonly #pauses = new Map<number, NodeJS.Timeout>();
  #shortLives = 0;
  #longestPause = LONGEST_PAUSE_MS;
  /** the failure to start a worker that was told last, and when */
  #told = { failure: '', at: 0 };
  /** somebody has heard that workers are missing */
  #isShort = false;
  #generation = 0;
  #isFirst = true;
  #isReloading = false;
  #isStopping = false;
  #looked: number;

  constructor(means: WorkersMeans) {
    this.#means = means;
    this.#log = new ParentLog(means.log, means.isMute);
    this.#looked = means.now();
  }

  log(level: LogLevel, text: string): void {
    this.#log.write(level, text);
  }

  get status(): string {
    const retiring = [...this.#all].filter(({ state }) => state === 'retiring').length;
    const serving = this.#serving.map(({ pid }) => pid);
    const old = retiring > 0 ? `, ${retiring} with their last clients` : '';
    return `${serving.length} of ${this.#means.count} workers (${serving.join(', ')})${old}, ${this.#means.state.clients} connections`;
  }

  /** Somebody takes new clients. */
  get isServing(): boolean {
    return this.#serving.length > 0;
  }

  get #serving(): WorkerProcess[] {
    return [...this.#all].filter(({ state }) => state === 'serving');
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

  /** Changes all workers for new ones; keeps the old ones, and gives false, where the first new one does not come to serve. */
  async reload(): Promise<boolean> {
    if (this.#isStopping || this.#isReloading) return false;
    this.#isReloading = true;
    const isNew = await this.#changeAll();
    this.#isReloading = false;
    this.#fill();
    return isNew;
  }

  /** No new clients: another process has them. Resolves when the last ones have left. */
  async retire(): Promise<void> {
    this.#noMore();
    const all = [...this.#all];
    for (const worker of all) worker.retire();
    await Promise.all(all.map(({ exited }) => exited));
  }

  /** Resolves when all are gone; those that are not at the limit are killed. */
  async stop(limitMs: number): Promise<void> {
    this.#noMore();
    const all = [...this.#all];
    for (const worker of all) worker.stop();
    const kill = setTimeout(() => {
      for (const worker of all) worker.signal('SIGKILL');
    }, limitMs);
    await Promise.all(all.map(({ exited }) => exited));
    clearTimeout(kill);
  }

  #noMore(): void {
    this.#isStopping = true;
    for (const pause of this.#pauses.values()) clearTimeout(pause);
  }

  /** Each worker says how it is. */
  report(): void {
    for (const worker of this.#all) {
      // Before it listens to signals, Node takes this one for a wish to debug it.
      if (worker.state !== 'starting') worker.signal('SIGUSR1');
    }
  }

  async #changeAll(): Promise<boolean> {
    this.#generation++;
    const old = [...this.#all].filter(({ isActive }) => isActive);
    const first = this.#launch(0);
    if (!(await first.ready)) {
      this.#generation--;
      if (!this.#isStopping)
        this.log('error', 'error, the new configuration is not used: the old workers go on');
      return false;
    }
    const others = Array.from({ length: this.#means.count - 1 }, (_, at) => this.#launch(at + 1));
    await Promise.all(others.map(({ ready }) => ready));
    for (const worker of old) worker.retire();
    this.#endOldest();
    this.log('notice', 'configuration is read anew: new workers have taken over');
    return true;
  }

  #launch(slot: number): WorkerProcess {
    const { sockets, standing, state, tickets, now, spawn = spawnWorker } = this.#means;
    const worker = new WorkerProcess(slot, this.#generation, spawn(sockets.map(({ fd }) => fd)), now(), {
      heard: (who, message) => this.#hear(who, message),
      gone: (who, how) => this.#bury(who, how),
    });
    this.#all.add(worker);
    const { loginKey, logins, delivered } = state.memory;
    worker.start({
      ...standing,
      sockets: sockets.map(({ address }, at) => ({ address, fd: FIRST_SOCKET + at })),
      loginKey,
      logins,
      delivered,
      tickets: tickets.share,
      counts: state.count(worker),
      isFirst: this.#isFirst,
      isMute: this.#means.isMute,
    });
    state.enter(worker);
    if (this.#isStopping) worker.stop();
    return worker;
  }

  #hear(worker: WorkerProcess, message: FromWorker): void {
    const now = this.#means.now();
    worker.heardAt = now;
    if (message.kind === 'counts' || message.kind === 'delivered' || message.kind === 'failure') {
      const isLockOut = this.#means.state.hear(worker, message);
      if (isLockOut && message.kind === 'failure')
        this.log('warn', `fail, too many failed logins: ${message.failure.ip} is locked out for a while`);
    } else if (message.kind === 'serving' && worker.state === 'starting') {
      worker.state = 'serving';
      worker.servingSince = now;
      if (message.logs === true) this.#log.enter(worker);
      this.#tellRecovery();
    } else if (message.kind === 'refused') worker.findings = message.findings;
    else if (message.kind === 'logged') this.#log.confirm(worker, message.serial);
  }

  #bury(worker: WorkerProcess, how: string): void {
    this.#all.delete(worker);
    this.#means.state.leave(worker);
    this.#log.leave(worker);
    if (!worker.isActive || this.#isStopping || this.#isFirst) return;
    const lived = worker.servingSince === null ? 0 : this.#means.now() - worker.servingSince;
    this.#shortLives = lived < SHORT_LIFE_MS ? this.#shortLives + 1 : 0;
    this.#longestPause = worker.state === 'starting' ? LONGEST_START_PAUSE_MS : LONGEST_PAUSE_MS;
    if (worker.state === 'starting') this.#tellFailure(worker, how);
    else this.log('error', `error, worker ${worker.pid} has died (${how})`);
    worker.state = 'gone';
    this.#fill();
  }

  /** Tells it once, and again when it is another one, or goes on. */
  #tellFailure({ findings }: WorkerProcess, how: string): void {
    const now = this.#means.now();
    const failure = [how, ...findings].join('\n');
    // Who has just asked for a reload wants to hear it each time.
    const isNews = this.#isReloading || failure !== this.#told.failure || now - this.#told.at >= REPEAT_MS;
    if (!isNews) return;
    this.#told = { failure, at: now };
    for (const finding of findings) this.log('error', `error, ${finding}`);
    this.log('error', `error, a worker did not come to serve (${how})`);
    if (this.#isReloading) return;
    this.#isShort = true;
    const { length } = this.#serving;
    const { count } = this.#means;
    if (length > 0)
      this.log('error', `error, ${length} of ${count} workers go on; others are tried until they serve`);
    else this.log('crit', 'error, nobody serves: clients have to wait until a worker comes to serve');
  }

  #tellRecovery(): void {
    const { length } = this.#serving;
    if (!this.#isShort || length < this.#means.count) return;
    this.#isShort = false;
    this.#told = { failure: '', at: 0 };
    this.log('notice', `${length} of ${this.#means.count} workers serve again`);
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
    const pause = Math.min(this.#longestPause, FIRST_PAUSE_MS * 2 ** Math.min(this.#shortLives - 1, 20));
    if (pause >= 1000 && !this.#isShort) {
      this.log('warn', `the next worker is started in ${Math.round(pause / 1000)} s`);
    }
    this.#pauses.set(
      slot,
      setTimeout(() => {
        this.#pauses.delete(slot);
        const isFilled = [...this.#all].some((worker) => worker.slot === slot && worker.isActive);
        if (!isFilled && !this.#isStopping && !this.#isReloading) this.#launch(slot);
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
      const limit = worker.state === 'starting' ? START_MS : standing.stallMs + GRACE_MS;
      if (silence < limit) continue;
      const seconds = Math.round(silence / 1000);
      this.log('error', `error, worker ${worker.pid} has not been heard of for ${seconds} s: it is killed`);
      worker.signal('SIGKILL');
    }
  }

  #endOldest(): void {
    const retiring = [...this.#all].filter(({ state }) => state === 'retiring');
    const most = MOST_RETIRING * this.#means.count;
    for (const worker of retiring.slice(0, Math.max(0, retiring.length - most))) worker.stop();
  }
}
