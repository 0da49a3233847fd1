// SIGUSR2: a running server hands its sockets to a new process of the program as it lies on disk now, and leaves once
// that one serves. The new one is started by the old one, with the same arguments; clients notice nothing, as the
// sockets stay open all the while. Where the new one does not come to serve, the old one goes on. What the old one
// remembers of clients goes over, too: who is locked out stays so.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { LogLevel } from '../contract/codes.ts';
import type { OpenSocket } from './bound-sockets.ts';
import { Kin } from './kin.ts';
import { type Memory, readMemory, readTickets } from './memory.ts';
import { FIRST_SOCKET, ownProgram } from './own-program.ts';
import type { SharedState } from './shared-state.ts';
import type { TicketSeed } from './tls-ticket-keys.ts';

const MARK = 'QPSMTPD_SUCCESSOR';
/** The successor may take so long to serve: plugins may have databases to read. */
const PATIENCE_MS = 60_000;
/** What end of its words is told, where nobody would see them otherwise. */
const MOST_WORDS = 2000;

/** What the new process takes. The two may be of different versions: sockets it needs, the rest it has a look at. */
interface Legacy {
  readonly kind: 'legacy';
  /** of the old process */
  readonly pid: number;
  readonly sockets: readonly OpenSocket[];
  readonly tickets?: unknown;
  readonly memory?: unknown;
}

/** What the old process gives. Fields are only added. */
interface LegacyMessage extends Legacy {
  readonly tickets: TicketSeed;
  /** also says that the two may go on to tell each other what is new */
  readonly memory: Memory;
}

/** The new process's side. */
export interface Predecessor {
  readonly pid: number;
  readonly sockets: readonly OpenSocket[];
  /** null: it gives none that we understand; the same of `memory` */
  readonly tickets: TicketSeed | null;
  readonly memory: Memory | null;
  /** for the log: what is lost of what it remembers; null: nothing */
  readonly complaint: string | null;
  /** Goes on to hear what it learns, and tells what is new here. */
  join(state: SharedState): void;
  /** Says that clients are served. It leaves then, when its own have. */
  letGo(): void;
  /** Resolves once it has left: what it and those before it still learn gets to a third one only by us. */
  gone(): Promise<void>;
}

type Environment = Record<string, string | undefined>;

/** Null: this process was not started by a server whose place it takes. To be asked once. */
export async function findPredecessor(env: Environment): Promise<Predecessor | null> {
  const isSuccessor = env[MARK] !== undefined && process.send !== undefined;
  delete env[MARK];
  if (!isSuccessor) return null;
  return new Promise((resolve, reject) => {
    const onGone = () => reject(new Error('the server that was to be replaced is gone'));
    process.once('disconnect', onGone);
    process.once('message', (raw: unknown) => {
      process.removeListener('disconnect', onGone);
      if (isLegacy(raw)) resolve(predecessorOf(raw));
      else reject(new Error('the server that is to be replaced says nothing that this version understands'));
    });
  });
}

function isLegacy(raw: unknown): raw is Legacy {
  return typeof raw === 'object' && raw !== null && 'kind' in raw && raw.kind === 'legacy';
}

function predecessorOf(legacy: Legacy): Predecessor {
  const { memory, complaint } = readMemory(legacy.memory);
  // One that says it in another form takes every word of ours for the one that it waits for.
  const kin = memory === null ? null : new Kin(process, { isRetiring: true });
  // Whoever cannot serve comes to an end: what the old one might still say keeps nobody.
  process.channel?.unref();
  return {
    pid: legacy.pid,
    sockets: legacy.sockets,
    tickets: readTickets(legacy.tickets),
    memory,
    complaint,
    join: (state) => kin?.join(state),
    letGo() {
      const done = kin === null ? () => process.disconnect?.() : () => {};
      process.send?.({ kind: 'serving' }, undefined, undefined, done);
    },
    gone() {
      if (kin === null || !process.connected) return Promise.resolve();
      process.channel?.ref();
      return new Promise((resolve) => process.once('disconnect', () => resolve()));
    },
  };
}

export interface HandOverMeans {
  readonly tickets: TicketSeed;
  readonly state: SharedState;
  /** for the new process only, beside our own: what systemd has told us */
  readonly env: Environment;
  /** standard error leads nowhere */
  readonly isMute: boolean;
  log(level: LogLevel, text: string): void;
}

/** The old process's side: a try to be replaced. */
export class HandOver {
  readonly #means: HandOverMeans;
  #child: ChildProcess | null = null;
  #isAbandoned = false;

  constructor(means: HandOverMeans) {
    this.#means = means;
  }

  /** Gives true once the new process serves. */
  async run(sockets: readonly OpenSocket[]): Promise<boolean> {
    const { log, state } = this.#means;
    const obstacle = whyNot();
    if (obstacle !== null) {
      log('error', `error, SIGUSR2: the server is not handed over: ${obstacle}`);
      return false;
    }
    const child = this.#start(sockets);
    const { pid } = child;
    const words = lastWords(child);
    const kin = new Kin(child, { isRetiring: false });
    kin.join(state);
    const failure = await outcome(child);
    if (failure === null) {
      // As with --detach: one that does not read, since it is stopped say, must not hold up who writes.
      child.stderr?.destroy();
      // Clients that stay here count there until they leave.
      kin.tell({ kind: 'counts', counts: state.count(kin) });
      log('notice', `handed over to process ${pid}: it takes all new clients`);
      return true;
    }
    kin.part();
    await end(child);
    if (this.#isAbandoned) return false;
    const said = words() === '' ? '' : `; it says: ${words()}`;
    log(
      'error',
      `error, SIGUSR2: the new process did not come to serve (${failure}), this one goes on${said}`,
    );
    return false;
  }

  /** The server is to stop meanwhile. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#child?.kill('SIGTERM');
  }

  #start(sockets: readonly OpenSocket[]): ChildProcess {
    const { env, isMute, tickets, state } = this.#means;
    const { command, args } = ownProgram();
    const child = spawn(command, [...args, ...process.argv.slice(2)], {
      argv0: process.argv0,
      env: { ...process.env, ...env, [MARK]: '1' },
      stdio: ['ignore', 'ignore', isMute ? 'pipe' : 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)],
    });
    this.#child = child;
    const given = sockets.map((socket, at) => ({ ...socket, fd: FIRST_SOCKET + at }));
    const { memory } = state;
    const legacy: LegacyMessage = { kind: 'legacy', pid: process.pid, sockets: given, tickets, memory };
    if (child.connected) child.send(legacy, () => {});
    return child;
  }
}

/** Null: it serves. */
function outcome(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve(`not within ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
    const settle = (failure: string | null) => {
      clearTimeout(limit);
      resolve(failure);
    };
    child.once('error', ({ message }) => settle(message));
    child.once('exit', (code, signal) => settle(signal ?? `exit code ${code}`));
    child.on('message', (raw) => {
      if (isServing(raw)) settle(null);
    });
  });
}

function isServing(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && 'kind' in raw && raw.kind === 'serving';
}

/** It must not be there any more when this process goes on. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** What it has said on standard error, as one line. */
function lastWords({ stderr }: ChildProcess): () => string {
  let words = '';
  stderr?.setEncoding('latin1').on('data', (text: string) => {
    words = (words + text).slice(-MOST_WORDS);
  });
  return () => words.trim().replace(/\s*\n\s*/g, ' / ');
}

const WATCHERS = [
  ...['supervise', 'runsv', 's6-supervise', 'perpd', 'dinit'],
  ...['tini', 'docker-init', 'dumb-init', 'catatonit'],
];

/** Whoever watches over one process takes its leaving for its end. */
function whyNot(): string | null {
  if (process.pid === 1) return 'it is process 1, with which all others end; start the container anew';
  const parent = nameOf(process.ppid);
  if (!WATCHERS.includes(parent)) return null;
  return `${parent} watches over this very process; SIGHUP changes the workers of forkserver for new ones, which is enough`;
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
