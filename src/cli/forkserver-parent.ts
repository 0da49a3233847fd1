// The life of a forkserver's parent, from the first worker to the end: what signals ask of it, who has its sockets.

import type { HeldSocket } from '../server/bound-sockets.ts';
import type { Predecessor } from '../server/hand-over.ts';
import { showListenAddress } from '../server/listen-address.ts';
import { releasePidFile } from '../server/pid-file.ts';
import type { ServiceManager } from '../server/service-manager.ts';
import { onSignals } from '../server/signals.ts';
import type { Workers } from '../server/workers.ts';
import { EXIT_FAILED } from './command.ts';
import type { Parts } from './daemon.ts';
import type { Succession } from './succession.ts';

/** Workers give their clients 30 seconds, and then their plugins as many. */
const STOP_MS = 65_000;

export interface ParentMeans {
  readonly parts: Parts;
  readonly manager: ServiceManager;
  readonly workers: Workers;
  readonly sockets: readonly HeldSocket[];
  readonly pidFile: string | null;
  readonly predecessor: Predecessor | null;
  readonly succession: Succession;
}

export class ForkserverParent {
  readonly #means: ParentMeans;
  #isStopping = false;
  #isServing = false;

  constructor(means: ParentMeans) {
    this.#means = means;
  }

  /** Resolves when clients are served; ends the process where they cannot be. */
  async start(): Promise<boolean> {
    const { workers, sockets, manager, predecessor, parts } = this.#means;
    const { world } = parts;
    onSignals({
      stop: () => this.#stop(),
      reload: () => manager.reload(() => workers.reload()),
      handOver: () => this.#handOver(),
      report() {
        world.stderr(`${world.pid} status: ${workers.status}`);
        workers.report();
      },
      fault: (text) => workers.log('crit', `error, ${text}`),
    });
    if (!(await workers.start())) {
      if (!this.#isStopping) this.#finish(EXIT_FAILED);
      return false;
    }
    this.#isServing = true;
    for (const { address } of sockets)
      world.stderr(`${world.pid} Listening on ${showListenAddress(address)}`);
    // Sockets that nobody reads keep no process alive.
    setInterval(() => {}, 60_000);
    await manager.ready({ isServing: () => workers.isServing, status: () => workers.status });
    predecessor?.letGo();
    return true;
  }

  async #stop(): Promise<void> {
    const { workers, manager, succession } = this.#means;
    if (this.#isStopping) return;
    this.#isStopping = true;
    workers.log('notice', 'shutting down: no new clients');
    manager.stopping();
    succession.abandon();
    await workers.stop(STOP_MS);
    this.#finish(0);
  }

  async #handOver(): Promise<void> {
    const { workers, succession, sockets, predecessor } = this.#means;
    if (this.#isStopping || !this.#isServing || !(await succession.handOver(sockets))) return;
    await workers.retire();
    await predecessor?.gone();
    this.#finish(0);
  }

  #finish(code: number): void {
    const { succession, predecessor, sockets, pidFile, parts } = this.#means;
    // What was taken over is the other one's until we serve, and what was handed over is.
    const isOurs = !succession.isOver && (predecessor === null || this.#isServing);
    if (isOurs) for (const socket of sockets) socket.removeFile();
    if (pidFile !== null) releasePidFile(pidFile, process.pid);
    parts.stderr.flush();
    process.exit(code);
  }
}
