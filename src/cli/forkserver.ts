// `qpsmtpd forkserver`: a parent that holds the sockets, and workers that serve. The parent loads no plugin. Options are
// those of `serve`, and those of the original's qpsmtpd-forkserver, which it goes by as a program, too.

import { availableParallelism } from 'node:os';
import type { ArgsDef, CommandDef } from 'citty';
import { type HeldSocket, holdSocket } from '../server/bound-sockets.ts';
import { type ListenAddress, parseHostPort, showListenAddress } from '../server/listen-address.ts';
import { guardProcess } from '../server/own-process.ts';
import { takePassedSockets } from '../server/passed-sockets.ts';
import { claimPidFile, releasePidFile } from '../server/pid-file.ts';
import { serviceManager } from '../server/service-manager.ts';
import { onSignals } from '../server/signals.ts';
import { Workers } from '../server/workers.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, makeCommand } from './command.ts';
import { accountFor, dropRights, makeParts, messageOf, type Parts, told } from './daemon.ts';
import { detach, isDetached, tellDetached } from './detach.ts';
import { listenAddresses } from './listen-flags.ts';
import type { Program } from './program.ts';
import { configArgs } from './shared-args.ts';

/** Workers give their clients 30 seconds. */
const STOP_MS = 35_000;
const MOST_WORKERS = 256;

const args = {
  ...configArgs,
  listen: {
    type: 'string',
    valueHint: 'ADDR:PORT|PATH[,WORD]',
    description: 'address or unix socket to listen on, as for serve; may be repeated',
  },
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
  workers: {
    type: 'string',
    valueHint: 'N',
    description: 'processes that serve (Default: one for each core)',
  },
  'limit-connections': {
    type: 'string',
    alias: 'c',
    valueHint: 'N',
    description: 'most clients at a time, 0 = any number (Default: 10000)',
  },
  'max-from-ip': {
    type: 'string',
    alias: 'm',
    valueHint: 'N',
    description: 'most clients at a time from one address, 0 = any number (Default: 100)',
  },
  user: {
    type: 'string',
    alias: 'u',
    valueHint: 'NAME',
    description: 'user to become once the ports are bound (Default: smtpd, or qpsmtpd)',
  },
  'pid-file': { type: 'string', valueHint: 'FILE', description: 'file to write the process id to' },
  detach: { type: 'boolean', alias: 'd', description: 'go on in the background' },
  'no-rdns': { type: 'boolean', alias: 'H', description: 'do not ask the DNS for the names of clients' },
  dns: {
    type: 'string',
    valueHint: 'ADDR:PORT',
    description: 'DNS server to ask in place of those in /etc/resolv.conf',
  },
  'worker-timeout': {
    type: 'string',
    valueHint: 'SECONDS',
    description: 'a worker that a plugin holds up for so long is replaced (Default: 10)',
  },
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
  const wasDetached = isDetached();
  if (given.flag('detach') && !wasDetached) return detach();
  guardProcess();
  const manager = serviceManager(process.env, process.pid);
  const parts = makeParts(program, given.texts('config'));
  const { log, world, stderr } = parts;
  const { sockets, close } = await openSockets(given, settings, parts);
  const pidFile = given.text('pid-file') ?? null;
  if (pidFile !== null) told(() => claimPidFile(pidFile, process.pid), '--pid-file');
  const workers = new Workers({
    count: settings.workers,
    sockets: () => sockets,
    now: () => systemClock.monotonic(),
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
  const finish = (code: number) => {
    close();
    if (pidFile !== null) releasePidFile(pidFile, process.pid);
    stderr.flush();
    process.exit(code);
  };
  const work = { isStopping: false };
  onSignals({
    async stop() {
      if (work.isStopping) return;
      work.isStopping = true;
      log.write('notice', 'shutting down: no new clients');
      manager.stopping();
      await workers.stop(STOP_MS);
      finish(0);
    },
    async reload() {
      manager.reloading();
      await workers.reload();
      manager.ready(workers.status);
    },
    report() {
      world.stderr(`${world.pid} status: ${workers.status}`);
      workers.report();
    },
    fault: (text) => log.write('crit', `error, ${text}`),
  });
  if (!(await workers.start())) {
    if (!work.isStopping) finish(EXIT_FAILED);
    return EXIT_FAILED;
  }
  for (const { address } of sockets) world.stderr(`${world.pid} Listening on ${showListenAddress(address)}`);
  manager.ready(workers.status);
  if (wasDetached) tellDetached();
  // Sockets that nobody reads keep no process alive.
  setInterval(() => manager.status(workers.status), 60_000);
  return null;
}

interface Opened {
  readonly sockets: readonly { readonly fd: number; readonly address: ListenAddress }[];
  close(): void;
}

/** With the rights of root where there are any; they are gone afterwards. */
async function openSockets(given: Arguments, { addresses }: ForkSettings, { log }: Parts): Promise<Opened> {
  const passed = told(() => takePassedSockets(process.env, process.pid), 'LISTEN_FDS');
  if (passed.length > 0) {
    const places = passed.map(({ address }) => address);
    dropRights(accountFor(given.text('user'), places), log);
    return { sockets: passed, close() {} };
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
  dropRights(account, log);
  return { sockets: held, close: () => held.forEach((socket) => void socket.close()) };
}
