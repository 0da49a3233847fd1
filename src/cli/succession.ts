// SIGUSR2, as serve and forkserver have it: what the old process and the new one do about sockets, pid file and systemd.

import type { LogLevel } from '../contract/codes.ts';
import type { OpenSocket } from '../server/bound-sockets.ts';
import { findPredecessor, HandOver, type Predecessor } from '../server/hand-over.ts';
import { takePassedSockets } from '../server/passed-sockets.ts';
import { claimPidFile } from '../server/pid-file.ts';
import type { ServiceManager } from '../server/service-manager.ts';
import { SharedState } from '../server/shared-state.ts';
import type { TicketSeed } from '../server/tls-ticket-keys.ts';
import { CommandError } from './command.ts';
import { messageOf, told } from './daemon.ts';

/** What this process was started with. */
export interface Heritage {
  /** null: there is no server whose place this one takes */
  readonly predecessor: Predecessor | null;
  readonly sockets: readonly OpenSocket[];
}

/** To be asked once. */
export async function findHeritage(): Promise<Heritage> {
  try {
    const predecessor = await findPredecessor(process.env);
    if (predecessor !== null) return { predecessor, sockets: predecessor.sockets };
  } catch (error) {
    throw new CommandError(`SIGUSR2: ${messageOf(error)}`);
  }
  const sockets = told(() => takePassedSockets(process.env, process.pid), 'LISTEN_FDS');
  return { predecessor: null, sockets };
}

/** What the server remembers of its clients: with a predecessor, what that one does. */
export function inheritedState(
  { predecessor }: Heritage,
  now: () => number,
  log: SuccessionMeans['log'],
): SharedState {
  const state = new SharedState(now, predecessor?.memory ?? null);
  predecessor?.join(state);
  if (typeof predecessor?.complaint === 'string') {
    const lost = 'failed logins, lock-outs and half-delivered messages may be forgotten';
    log(
      'warn',
      `SIGUSR2: what the old process remembers does not all come over (${predecessor.complaint}): ${lost}`,
    );
  }
  return state;
}

export interface SuccessionMeans {
  readonly log: (level: LogLevel, text: string) => void;
  readonly manager: ServiceManager;
  readonly pidFile: string | null;
  /** standard error leads nowhere */
  readonly isMute: boolean;
  readonly state: SharedState;
  tickets(): TicketSeed;
}

/** Whether and how this process gives its place to another one. */
export class Succession {
  readonly #means: SuccessionMeans;
  #attempt: HandOver | null = null;
  #isOver = false;

  constructor(means: SuccessionMeans) {
    this.#means = means;
  }

  /** The sockets are another's now: their files stay. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives true once another process serves: this one is to leave when its clients have. */
  async handOver(sockets: readonly OpenSocket[]): Promise<boolean> {
    const { log, manager, isMute, pidFile, state, tickets } = this.#means;
    if (this.#isOver) return false;
    log('notice', 'SIGUSR2: a new process is started to take over');
    const isOver = await manager.handOver((env) => {
      const attempt = new HandOver({ env, isMute, state, tickets: tickets(), log });
      this.#attempt = attempt;
      return attempt.run(sockets);
    });
    this.#attempt = null;
    this.#isOver = isOver;
    // The other one may have come so far.
    if (!isOver && pidFile !== null) told(() => claimPidFile(pidFile, process.pid), '--pid-file');
    return isOver;
  }

  /** This process is to stop. */
  abandon(): void {
    this.#attempt?.abandon();
  }
}
