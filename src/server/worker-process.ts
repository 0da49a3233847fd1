// One worker of a forkserver, as its parent sees it: started from the same executable, with the listening sockets among
// its file descriptors and a channel for messages.

import { spawn } from 'node:child_process';
import { ownProgram, workerName } from './own-program.ts';
import type { ParentEntry, Scribe } from './parent-log.ts';
import type { Member } from './shared-state.ts';
import { type FromWorker, type News, received, type ToWorker, type WorkerOrders } from './worker-messages.ts';

/** The part of a process that counts here. */
export interface WorkerChild {
  readonly pid?: number | undefined;
  readonly connected: boolean;
  send(message: ToWorker, done: () => void): unknown;
  kill(signal: NodeJS.Signals): unknown;
  on(event: 'message', listener: (raw: unknown) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

export interface WorkerEvents {
  heard(worker: WorkerProcess, message: FromWorker): void;
  gone(worker: WorkerProcess, how: string): void;
}

/** `retiring`: serves the clients that it has, and takes no more */
export type WorkerState = 'starting' | 'serving' | 'retiring' | 'gone';

export class WorkerProcess implements Scribe, Member {
  readonly slot: number;
  readonly generation: number;
  state: WorkerState = 'starting';
  /** when it began to serve, and when it was last heard of, in milliseconds of the monotonic clock */
  servingSince: number | null = null;
  heardAt: number;
  /** why it does not come to serve, in its own words */
  findings: readonly string[] = [];
  /** whether it came to serve */
  readonly ready: Promise<boolean>;
  readonly exited: Promise<void>;
  readonly #child: WorkerChild;

  constructor(slot: number, generation: number, child: WorkerChild, now: number, events: WorkerEvents) {
    this.slot = slot;
    this.generation = generation;
    this.heardAt = now;
    this.#child = child;
    // What cannot be sent any more is told by the exit.
    this.#child.on('error', () => {});
    let isReady: (ready: boolean) => void = () => {};
    this.ready = new Promise((resolve) => {
      isReady = resolve;
    });
    this.#child.on('message', (raw: unknown) => {
      const message = received<FromWorker>(raw);
      if (message === null) return;
      events.heard(this, message);
      if (message.kind === 'serving') isReady(true);
    });
    this.exited = new Promise((resolve) => {
      const gone = (how: string) => {
        if (this.state === 'gone') return;
        events.gone(this, how);
        this.state = 'gone';
        isReady(false);
        resolve();
      };
      this.#child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) => gone(error.message));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** It takes new clients, or is about to. */
  get isActive(): boolean {
    return this.state === 'starting' || this.state === 'serving';
  }

  start(orders: WorkerOrders): void {
    this.send({ kind: 'start', orders });
  }

  send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  tell(news: News): void {
    this.send(news.kind === 'counts' ? { kind: 'elsewhere', counts: news.counts } : news);
  }

  write(entry: ParentEntry): void {
    this.send({ kind: 'log', entry });
  }

  retire(): void {
    if (!this.isActive) return;
    this.state = 'retiring';
    this.send({ kind: 'retire' });
  }

  stop(): void {
    if (this.isActive) this.state = 'retiring';
    this.send({ kind: 'stop' });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** @param sockets file descriptors that it gets, from FIRST_SOCKET on */
export function spawnWorker(sockets: readonly number[]): WorkerChild {
  const { command, args } = ownProgram();
  return spawn(command, [...args, 'worker'], {
    argv0: workerName(command),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...sockets],
  });
}
