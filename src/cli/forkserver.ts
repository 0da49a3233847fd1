// `qpsmtpd forkserver`: a parent that holds the sockets, and workers that serve. The parent loads no plugin. Options are
// those of `serve`, and those of the original's qpsmtpd-forkserver, which it goes by as a program, too.

import { availableParallelism } from 'node:os';
import type { ArgsDef, CommandDef } from 'citty';
import { type HeldSocket, heldAlready, holdSocket } from '../server/bound-sockets.ts';
import { type ListenAddress, parseHostPort } from '../server/listen-address.ts';
import { guardProcess } from '../server/own-process.ts';
import { claimPidFile } from '../server/pid-file.ts';
import { serviceManager } from '../server/service-manager.ts';
import { ignoreSignals } from '../server/signals.ts';
import { TicketKeys } from '../server/tls-ticket-keys.ts';
import { Workers } from '../server/workers.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, makeCommand } from './command.ts';
import { accountFor, dropRights, makeParts, messageOf, type Parts, told } from './daemon.ts';
import { detach, isDetached, tellDetached } from './detach.ts';
import { ForkserverParent } from './forkserver-parent.ts';
import { listenAddresses } from './listen-flags.ts';
import type { Program } from './program.ts';
import { configArgs, serverArgs, workersArgs } from './shared-args.ts';
import { findHeritage, type Heritage, inheritedState, Succession } from './succession.ts';

const MOST_WORKERS = 256;

const args = {
  ...configArgs,
  listen: workersArgs.listen,
  'listen-address': {
    type: 'string',
    alias: 'l',
    valueHint: 'ADDR[:PORT]',
    description: 'address to listen on, at each --port where it names none; may be repeated (Default: all)',
  },
  port: {
    type: 'string',
    alias: 'p',
    valueHint: 'PORT',
    description: 'port to listen on; may be repeated (Default: 2525)',
  },
  workers: workersArgs.workers,
  'limit-connections': { ...serverArgs['limit-connections'], alias: 'c' },
  'max-from-ip': { ...serverArgs['max-from-ip'], alias: 'm' },
  user: { ...serverArgs.user, alias: 'u' },
  'pid-file': serverArgs['pid-file'],
  detach: { ...workersArgs.detach, alias: 'd' },
  'no-rdns': serverArgs['no-rdns'],
  dns: serverArgs.dns,
  'worker-timeout': workersArgs['worker-timeout'],
} satisfies ArgsDef;

export function forkserverCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'forkserver',
    description: 'Receive mail: a parent that holds the ports, and processes that serve',
    args,
    run: (given) => forkserver(program, given, readSettings(given)),
  });
}

export interface ForkSettings {
  readonly addresses: readonly ListenAddress[];
  readonly workers: number;
  readonly limitConnections: number;
  readonly maxFromIp: number;
}

function readSettings(given: Arguments): ForkSettings {
  return {
    addresses: listenAddresses(given, 2525),
    workers: given.count('workers', availableParallelism()),
    limitConnections: given.count('limit-connections', 10_000),
    maxFromIp: given.count('max-from-ip', 100),
  };
}

export async function forkserver(
  program: Program,
  given: Arguments,
  settings: ForkSettings,
): Promise<number | null> {
  if (settings.workers < 1 || settings.workers > MOST_WORKERS) {
    throw new UsageError(`--workers ${settings.workers}: there can be 1 to ${MOST_WORKERS}`);
  }
  const dns = given.text('dns') ?? null;
  if (dns !== null) told(() => parseHostPort(dns), '--dns');
  ignoreSignals();
  const heritage = await findHeritage();
  const { predecessor } = heritage;
  const wasDetached = isDetached();
  const isMute = given.flag('detach');
  if (isMute && !wasDetached && predecessor === null) return detach();
  if (isMute) process.stderr.on('error', () => {});
  guardProcess('qpsmtpd');
  const parts = makeParts(program, given.texts('config'));
  const { log } = parts;
  const { env, pid } = process;
  const manager = serviceManager({ env, pid, warn: (text) => log.write('warn', text) });
  const sockets = await openSockets(given, settings, parts, heritage);
  const pidFile = given.text('pid-file') ?? null;
  if (pidFile !== null) told(() => claimPidFile(pidFile, process.pid, predecessor?.pid), '--pid-file');
  const tickets = new TicketKeys(() => systemClock.monotonic(), predecessor?.tickets ?? null);
  const now = () => systemClock.monotonic();
  const state = inheritedState(heritage, now, (level, text) => log.write(level, text));
  const workers = new Workers({
    count: settings.workers,
    sockets,
    tickets,
    state,
    isMute,
    now,
    log: (level, text) => log.write(level, text),
    standing: {
      configs: given.texts('config'),
      limitConnections: settings.limitConnections,
      maxFromIp: settings.maxFromIp,
      dns,
      noRdns: given.flag('no-rdns'),
      stallMs: given.count('worker-timeout', 10) * 1000,
    },
  });
  const succession = new Succession({
    log: (level, text) => workers.log(level, text),
    manager,
    pidFile,
    isMute,
    state,
    tickets: () => tickets.share,
  });
  const parent = new ForkserverParent({
    parts,
    manager,
    workers,
    sockets,
    pidFile,
    predecessor,
    succession,
  });
  if (!(await parent.start())) return EXIT_FAILED;
  if (wasDetached) tellDetached();
  return null;
}

/** With the rights of root where there are any; they are gone afterwards. */
async function openSockets(
  given: Arguments,
  { addresses }: ForkSettings,
  { log }: Parts,
  { sockets }: Heritage,
): Promise<HeldSocket[]> {
  if (sockets.length > 0) {
    const places = sockets.map(({ address }) => address);
    dropRights(accountFor(given.text('user'), places), log);
    return sockets.map(heldAlready);
  }
  const account = accountFor(given.text('user'), addresses);
  const held: HeldSocket[] = [];
  for (const address of addresses) {
    try {
      held.push(await holdSocket(address, account));
    } catch (error) {
      throw new CommandError(`--listen ${messageOf(error)}`);
    }
  }
  dropRights(account, log, given.text('pid-file'));
  return held;
}
