// Tells systemd how the service is (sd_notify(3)) where it wants to know (NOTIFY_SOCKET). Node has no datagram sockets
// in the file system, so this goes by the program systemd-notify: units need NotifyAccess=all. It waits until systemd
// has read its words (from systemd 246 on), so that they count although their sender is gone at once.

import { spawn } from 'node:child_process';

type Environment = Record<string, string | undefined>;

export interface ServiceManager {
  /**
   * Resolves once it has heard. From here on it hears that we live, three times in the time that the unit gives
   * (WatchdogSec=), and how we are.
   */
  ready(health: Health): Promise<void>;
  /** Says when the work begins and when it ends. `work` gives false where the old configuration goes on. */
  reload(work: () => Promise<boolean>): Promise<void>;
  stopping(): void;
  /** Lets a new process take our place: from then on that one speaks. `work` gives false where we go on. */
  handOver(work: (environment: Environment) => Promise<boolean>): Promise<boolean>;
}

export interface Health {
  /** False: the watchdog does not hear of us, and ends us where that lasts. */
  isServing(): boolean;
  status(): string;
}

export interface NotifyMeans {
  /** NOTIFY_SOCKET and what belongs to it is taken out: programs that plugins start have nothing to say there */
  readonly env: Environment;
  readonly pid: number;
  warn(text: string): void;
  /** systemd-notify, where it is missing */
  readonly program?: string;
}

const STATUS_MS = 60_000;
const PATIENCE_MS = 10_000;

export function serviceManager(means: NotifyMeans): ServiceManager {
  const { env, pid } = means;
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: usec = '', WATCHDOG_PID: watched = String(pid) } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (socket === '') return silent;
  const watchdogMs = watched === String(pid) && Number(usec) > 0 ? Number(usec) / 1000 : null;
  // WATCHDOG_PID is left out: whoever takes our place is the one to be watched.
  const heritage = { NOTIFY_SOCKET: socket, ...(usec !== '' && { WATCHDOG_USEC: usec }) };
  return new Systemd(new Notifier(means, socket), pid, watchdogMs, heritage);
}

const silent: ServiceManager = {
  async ready() {},
  stopping() {},
  reload: async (work) => void (await work()),
  handOver: (work) => work({}),
};

class Systemd implements ServiceManager {
  readonly #notifier: Notifier;
  readonly #pid: number;
  /** null: there is no watchdog */
  readonly #watchdogMs: number | null;
  readonly #heritage: Environment;
  #health: Health = { isServing: () => true, status: () => '' };
  #lastStatus = '';
  #isRefused = false;
  #reloads = 0;
  #isStopping = false;

  constructor(notifier: Notifier, pid: number, watchdogMs: number | null, heritage: Environment) {
    this.#notifier = notifier;
    this.#pid = pid;
    this.#watchdogMs = watchdogMs;
    this.#heritage = heritage;
  }

  async ready(health: Health): Promise<void> {
    this.#health = health;
    this.#notifier.say('READY=1', `MAINPID=${this.#pid}`, this.#status());
    // One that gets lost must not be the end.
    setInterval(() => this.#beat(), this.#watchdogMs === null ? STATUS_MS : this.#watchdogMs / 3).unref();
    await this.#notifier.idle();
  }

  async handOver(work: (environment: Environment) => Promise<boolean>): Promise<boolean> {
    // Not a word of ours may come after that of the new process and say that we are the one again.
    this.#notifier.isMain = false;
    await this.#notifier.idle();
    const isGone = await work(this.#heritage);
    this.#notifier.isMain = !isGone;
    if (isGone) this.#isStopping = true;
    // The other one may have said already that it is the one.
    else if (!this.#isStopping) this.#notifier.say('READY=1', `MAINPID=${this.#pid}`, this.#status());
    return isGone;
  }

  async reload(work: () => Promise<boolean>): Promise<void> {
    // It knows of one at a time.
    if (this.#reloads++ === 0) {
      this.#notifier.say('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    }
    let isNew = false;
    try {
      isNew = await work();
    } finally {
      this.#isRefused = !isNew;
      if (--this.#reloads === 0 && !this.#isStopping) this.#notifier.say('READY=1', this.#status());
    }
  }

  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#notifier.sayLast('STOPPING=1', 'STATUS=waiting for the last clients');
  }

  /** One message for both: it costs a process. */
  #beat(): void {
    if (this.#isStopping) return;
    const lines = this.#watchdogMs !== null && this.#health.isServing() ? ['WATCHDOG=1'] : [];
    const last = this.#lastStatus;
    const status = this.#status();
    if (status !== last) lines.push(status);
    if (lines.length > 0) this.#notifier.say(...lines);
  }

  /** A refusal is told until there is a configuration that is not refused. */
  #status(): string {
    const news = this.#isRefused ? 'the new configuration was refused; ' : '';
    this.#lastStatus = `STATUS=${news}${this.#health.status()}`;
    return this.#lastStatus;
  }
}

/** Messages leave one after the other: programs that run side by side overtake each other. */
class Notifier {
  /** What it says tells systemd that this is the process to look after. */
  isMain = true;
  readonly #means: NotifyMeans;
  readonly #socket: string;
  #waiting: string[][] = [];
  readonly #onIdle: (() => void)[] = [];
  #isBusy = false;
  /** the last message did not arrive */
  #isFailing = false;

  constructor(means: NotifyMeans, socket: string) {
    this.#means = means;
    this.#socket = socket;
  }

  say(...lines: string[]): void {
    this.#waiting.push(lines);
    if (!this.#isBusy) this.#next();
  }

  /** At once, as nobody may be there any more for a later turn. */
  sayLast(...lines: string[]): void {
    this.#waiting = [];
    this.#send(lines);
  }

  /** Resolves when all is said. */
  async idle(): Promise<void> {
    if (this.#isBusy) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #next(): void {
    const lines = this.#waiting.shift();
    this.#isBusy = lines !== undefined;
    if (lines !== undefined) this.#send(lines);
    else for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #send(lines: readonly string[]): void {
    const { env, program = 'systemd-notify', pid } = this.#means;
    const child = spawn(program, [...(this.isMain ? [`--pid=${pid}`] : []), ...lines], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...env, NOTIFY_SOCKET: this.#socket },
      timeout: PATIENCE_MS,
    });
    let isOver = false;
    const end = (why: string | null) => {
      if (isOver) return;
      isOver = true;
      if (why !== null) this.#warn(why);
      this.#isFailing = why !== null;
      this.#next();
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(code === 0 ? null : (signal ?? `exit code ${code}`)));
    child.unref();
  }

  /** Once, until it works again. The next message may arrive: whoever went silent would be killed by the watchdog. */
  #warn(why: string): void {
    if (this.#isFailing) return;
    this.#means.warn(
      `error, systemd does not hear how the server is: systemd-notify failed (${why}); install that program, or use Type=simple without WatchdogSec= in the unit`,
    );
  }
}
