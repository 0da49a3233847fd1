// One worker of a forkserver, as its parent sees it: started from the same executable, with the listening sockets among
// its file descriptors and a channel for messages.

import { type ChildProcess, spawn } from 'node:child_process';
import { isSea } from 'node:sea';
import { type FromWorker, received, type ToWorker, type WorkerOrders } from './worker-messages.ts';

/** Where the sockets begin: behind standard streams and channel. */
export const FIRST_SOCKET = 4;

export interface WorkerEvents {
  heard(worker: WorkerProcess, message: FromWorker): void;
  gone(worker: WorkerProcess, how: string): void;
}

/** `retiring`: serves the clients that it has, and takes no more */
export type WorkerState = 'starting' | 'serving' | 'retiring' | 'gone';

export class WorkerProcess {
  readonly slot: number;
  readonly generation: number;
  state: WorkerState = 'starting';
  /** when it began to serve, and when it was last heard of, in milliseconds of the monotonic clock */
  servingSince: number | null = null;
  heardAt: number;
  /** whether it came to serve */
  readonly ready: Promise<boolean>;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;

  constructor(
    slot: number,
    generation: number,
    sockets: readonly number[],
    now: number,
    events: WorkerEvents,
  ) {
    this.slot = slot;
    this.generation = generation;
    this.heardAt = now;
    const { command, args } = ownProgram();
    this.#child = spawn(command, [...args, 'worker'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...sockets],
    });
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

/** How this program starts itself: the executable, or Node with the file that it was started with. */
export function ownProgram(): { readonly command: string; readonly args: readonly string[] } {
  const [, script = ''] = process.argv;
  return { command: process.execPath, args: isSea() ? [] : [...process.execArgv, script] };
}
