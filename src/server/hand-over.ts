// SIGUSR2: a running server hands its sockets to a new process of the program as it lies on disk now, and leaves once
// that one serves. The new one is started by the old one, with the same arguments; clients notice nothing, as the
// sockets stay open all the while. Where the new one does not come to serve, the old one goes on.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { LogLevel } from '../contract/codes.ts';
import type { OpenSocket } from './bound-sockets.ts';
import { FIRST_SOCKET, ownProgram } from './own-program.ts';
import type { TicketSeed } from './tls-ticket-keys.ts';

const MARK = 'QPSMTPD_SUCCESSOR';
/** The successor may take so long to serve: plugins may have databases to read. */
const PATIENCE_MS = 60_000;
/** What end of its words is told, where nobody would see them otherwise. */
const MOST_WORDS = 2000;

/** What the old process gives beside its sockets. The two may be of different versions: fields are only added. */
export interface Legacy {
  /** of the old process */
  readonly pid: number;
  readonly sockets: readonly OpenSocket[];
  readonly tickets: TicketSeed;
}

interface LegacyMessage extends Legacy {
  readonly kind: 'legacy';
}

/** The new process's side. */
export interface Predecessor extends Legacy {
  /** Says that clients are served. It leaves then. */
  letGo(): void;
}

type Environment = Record<string, string | undefined>;

/** Null: this process was not started by a server whose place it takes. To be asked once. */
export async function findPredecessor(env: Environment): Promise<Predecessor | null> {
  const isSuccessor = env[MARK] !== undefined && process.send !== undefined;
  delete env[MARK];
  if (!isSuccessor) return null;
  const legacy = await new Promise<LegacyMessage>((resolve, reject) => {
    process.once('disconnect', () => reject(new Error('the server that was to be replaced is gone')));
    process.once('message', (raw: unknown) => {
      if (isLegacy(raw)) resolve(raw);
      else reject(new Error('the server that is to be replaced says nothing that this version understands'));
    });
  });
  process.removeAllListeners('disconnect');
  return {
    ...legacy,
    letGo: () => void process.send?.({ kind: 'serving' }, undefined, undefined, () => process.disconnect?.()),
  };
}

function isLegacy(raw: unknown): raw is LegacyMessage {
  return typeof raw === 'object' && raw !== null && 'kind' in raw && raw.kind === 'legacy';
}

export interface HandOverMeans {
  readonly tickets: TicketSeed;
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
    const { log } = this.#means;
    const obstacle = whyNot();
    if (obstacle !== null) {
      log('error', `error, SIGUSR2: the server is not handed over: ${obstacle}`);
      return false;
    }
    const child = this.#start(sockets);
    const { pid } = child;
    const words = lastWords(child);
    const failure = await outcome(child);
    child.removeAllListeners('message');
    if (failure === null) {
      log('notice', `handed over to process ${pid}: it takes all new clients`);
      return true;
    }
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
    const { env, isMute, tickets } = this.#means;
    const { command, args } = ownProgram();
    const child = spawn(command, [...args, ...process.argv.slice(2)], {
      argv0: process.argv0,
      env: { ...process.env, ...env, [MARK]: '1' },
      stdio: ['ignore', 'ignore', isMute ? 'pipe' : 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)],
    });
    this.#child = child;
    const given = sockets.map((socket, at) => ({ ...socket, fd: FIRST_SOCKET + at }));
    const legacy: LegacyMessage = { kind: 'legacy', pid: process.pid, sockets: given, tickets };
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
    child.once('message', () => settle(null));
  });
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
