// What all ways of serving have in common: the parts of the process, whose rights it has, where its spool is.

import type { Resolver } from '../contract/dns.ts';
import { Deadlines } from '../engine/deadlines.ts';
import { makeDiskLoader } from '../engine/disk-loader.ts';
import type { Engine } from '../engine/engine.ts';
import { Log, type LogSink } from '../log/log.ts';
import { StderrWriter } from '../log/stderr-writer.ts';
import type { Spool } from '../message/spool.ts';
import { isLocalOnly, type ListenAddress } from '../server/listen-address.ts';
import type { Getent } from '../server/name-service.ts';
import { clientsByDescriptors } from '../server/overload.ts';
import { reservePidFile } from '../server/pid-file.ts';
import { type Account, accountOf, becomeUser, ownAccount } from '../server/privileges.ts';
import type { TicketKeys } from '../server/tls-ticket-keys.ts';
import {
  configDirs,
  type EngineParts,
  logFinding,
  makeStore,
  makeWorld,
  stderrSink,
  systemClock,
} from './assemble.ts';
import { CommandError } from './command.ts';
import type { Program } from './program.ts';

export interface Parts extends EngineParts {
  readonly stderr: StderrWriter;
  /** where entries go without a logging plugin */
  readonly fallback: LogSink;
}

export interface Brought {
  /** those of the whole server, where this is one of several processes */
  readonly tickets?: TicketKeys;
  readonly dns?: Resolver;
}

export function makeParts(
  program: Program,
  configs: readonly string[],
  { tickets, dns }: Brought = {},
): Parts {
  const stderr = new StderrWriter();
  const world = makeWorld(program, systemClock, process.env, stderr, tickets, dns);
  const beforeConfig = stderrSink(() => 'warn', stderr);
  const log = new Log(process.pid, systemClock.now, beforeConfig);
  const dirs = configDirs(configs, process.env);
  const store = makeStore(dirs, systemClock, process.env, (finding) => logFinding(log, finding));
  const fallback = stderrSink(() => store.value('loglevel'), stderr);
  log.use([fallback]);
  const deadlines = new Deadlines(systemClock);
  deadlines.onSweep(() => log.refresh());
  const loader = makeDiskLoader(program.api);
  return { stderr, world, log, store, deadlines, loader, fallback };
}

/** Plugins get ready to serve: with the rights that they will have then. */
export async function runPostFork(engine: Engine): Promise<void> {
  await engine.dispatcher.watch('post-fork', { connection: null, transaction: null, verdicts: null });
}

/** No more places than there are file descriptors for. */
export function placesFor(wanted: number): number {
  const possible = clientsByDescriptors() ?? wanted;
  return wanted === 0 ? possible : Math.min(wanted, possible);
}

export interface Host {
  readonly uid: number | undefined;
  /** see passwd(5) */
  readonly passwd: string;
  /** for users who are not in that file, where a test wants it otherwise */
  readonly getent?: Getent;
}

/**
 * Whose rights the server is to have: those of `--user`, or of the account that is made for it. Null: its own.
 *
 * @throws CommandError where that would be root, and strangers can connect
 */
export function accountFor(
  user: string | undefined,
  addresses: readonly ListenAddress[],
  { uid, passwd, getent }: Host = { uid: process.getuid?.(), passwd: '/etc/passwd' },
): Account | null {
  if (user !== undefined) return told(() => accountOf(user, passwd, getent), '--user');
  if (uid !== 0) return null;
  const account = ownAccount(passwd);
  if (account !== null || addresses.every(isLocalOnly)) return account;
  throw new CommandError(
    'there is neither a user smtpd nor a user qpsmtpd, and root serves loopback only: name a user with --user NAME',
  );
}

/** The folder ~ is that of the user who serves, before any file is looked for there, and for the programs of plugins. */
export function takeHome(account: Account | null): void {
  if (account === null || account.uid === process.getuid?.()) return;
  process.env['HOME'] = account.home;
  for (const name of ['USER', 'LOGNAME']) process.env[name] = account.name;
}

export function dropRights(account: Account | null, log: Log, pidFile?: string | null): void {
  takeHome(account);
  if (account !== null && typeof pidFile === 'string') reservePidFile(pidFile, account);
  if (account !== null) told(() => becomeUser(account), '--user');
  else if (process.getuid?.() === 0) {
    log.write('warn', 'the server runs as root: give it a user of its own with --user NAME');
  }
}

export function prepareSpool(spool: Spool, log: Log): void {
  for (const warning of told(() => spool.prepare(), `spool_dir ${spool.dir}`)) log.write('warn', warning);
}

/** What fails here is the operator's to mend. */
export function told<T>(attempt: () => T, what: string): T {
  try {
    return attempt();
  } catch (error) {
    throw new CommandError(`${what}: ${messageOf(error)}`);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
