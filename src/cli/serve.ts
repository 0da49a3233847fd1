// `qpsmtpd serve`: one process that listens and serves until it is told to stop.

import { setTimeout as wait } from 'node:timers/promises';
import type { ArgsDef, CommandDef } from 'citty';
import type { Engine } from '../engine/engine.ts';
import type { World } from '../engine/host.ts';
import type { Log } from '../log/log.ts';
import type { StderrWriter } from '../log/stderr-writer.ts';
import { Spool } from '../message/spool.ts';
import { ConnectionLimits } from '../server/connection-limits.ts';
import {
  type ListenAddress,
  parseHostPort,
  parseListenAddress,
  showListenAddress,
} from '../server/listen-address.ts';
import { guardProcess } from '../server/own-process.ts';
import { type PassedListener, takePassedSockets } from '../server/passed-sockets.ts';
import { claimPidFile, releasePidFile } from '../server/pid-file.ts';
import { nameless, reverseNames } from '../server/reverse-names.ts';
import { serviceManager } from '../server/service-manager.ts';
import { onSignals } from '../server/signals.ts';
import { SmtpServer } from '../server/smtp-server.ts';
import type { Arguments } from './arguments.ts';
import { allFindings, loadEngine, logFinding, systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, makeCommand } from './command.ts';
import {
  accountFor,
  dropRights,
  makeParts,
  messageOf,
  type Parts,
  placesFor,
  prepareSpool,
  runPostFork,
  told,
} from './daemon.ts';
import { findingsInLists } from './engine-findings.ts';
import { hasErrors, printFindings } from './findings.ts';
import { listenerFindings } from './listeners.ts';
import type { Program } from './program.ts';
import { configArgs } from './shared-args.ts';

const STOP_MS = 30_000;
const DEFAULT_CONNECTIONS = 10_000;
const DEFAULT_ADDRESS: ListenAddress = { host: '', port: 2525 };

const args = {
  ...configArgs,
  listen: {
    type: 'string',
    valueHint: 'ADDR:PORT|PATH[,WORD]',
    description:
      'address or unix socket to listen on, with the words tls, lmtp, proxy; may be repeated (Default: *:2525)',
  },
  dns: {
    type: 'string',
    valueHint: 'ADDR:PORT',
    description: 'DNS server to ask in place of those in /etc/resolv.conf',
  },
  'no-rdns': { type: 'boolean', alias: 'H', description: 'do not ask the DNS for the names of clients' },
  user: { type: 'string', valueHint: 'NAME', description: 'user to become once the ports are bound' },
  'pid-file': { type: 'string', valueHint: 'FILE', description: 'file to write the process id to' },
  'limit-connections': {
    type: 'string',
    valueHint: 'N',
    description: 'most clients at a time, 0 = any number (Default: 10000)',
  },
  'max-from-ip': {
    type: 'string',
    valueHint: 'N',
    description: 'most clients at a time from one address, 0 = any number (Default: 100)',
  },
} satisfies ArgsDef;

export function serveCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'serve',
    description: 'Receive mail: one process that listens and serves',
    args,
    run: (given) => serve(program, given),
  });
}

async function serve(program: Program, given: Arguments): Promise<number | null> {
  guardProcess();
  const passed = told(() => takePassedSockets(process.env, process.pid), 'LISTEN_FDS');
  const settings = readSettings(given, passed);
  const manager = serviceManager(process.env, process.pid);
  const parts = makeParts(program, given.texts('config'));
  const { store, log, world } = parts;
  const first = await loadEngine(program, parts);
  const findings = [...allFindings(store, first), ...listenerFindings(settings.addresses, first.engine)];
  printFindings(findings);
  if (hasErrors(findings)) return EXIT_FAILED;
  // A bad line in a list stops nobody: it is left out, and said.
  printFindings(findingsInLists(first.engine).map((finding) => ({ ...finding, severity: 'warning' })));

  const current = { engine: first.engine };
  const startLogging = () => {
    const { sinks } = current.engine;
    log.use(sinks.length > 0 ? sinks : [parts.fallback]);
  };
  startLogging();
  const spool = new Spool({ dir: store.value('spool_dir'), perms: store.value('spool_perms') }, process.pid);
  const server = new SmtpServer({ ...settings, engine: () => current.engine, spool });
  const { pidFile } = settings;
  try {
    const bound = passed.length > 0 ? await adoptAll(server, passed) : await bindAll(server, settings);
    dropRights(settings.account, log);
    prepareSpool(spool, log);
    sayPlaces(settings, log);
    if (pidFile !== null) told(() => claimPidFile(pidFile, process.pid), '--pid-file');
    await runPostFork(current.engine);
    server.open();
    for (const address of bound) announce(world, address);
    manager.ready(server.status);
  } catch (error) {
    // What is bound would keep the process alive.
    await server.stop(0);
    throw error;
  }
  onSignals({
    stop: () => {
      manager.stopping();
      return stop(server, current.engine, parts.stderr, pidFile);
    },
    reload: async () => {
      manager.reloading();
      await reload(program, parts, current, settings.addresses);
      startLogging();
      manager.ready(server.status);
    },
    // Said at every log level: whoever asks wants to know.
    report: () => world.stderr(`${world.pid} status: ${server.status}`),
    fault: (text) => server.fault(text),
  });
  return null;
}

function readSettings(given: Arguments, passed: readonly PassedListener[]) {
  const addresses = given.texts('listen').map((text) => told(() => parseListenAddress(text), '--listen'));
  const dns = given.text('dns');
  const dnsServer = dns === undefined ? null : told(() => parseHostPort(dns), '--dns');
  const wished = addresses.length > 0 ? addresses : [DEFAULT_ADDRESS];
  const listened = passed.length > 0 ? passed.map(({ address }) => address) : wished;
  const wanted = given.count('limit-connections', DEFAULT_CONNECTIONS);
  return {
    addresses: listened,
    limits: new ConnectionLimits({
      connections: placesFor(wanted),
      fromIp: given.count('max-from-ip', 100),
    }),
    wantedConnections: wanted,
    reverseName: given.flag('no-rdns') ? nameless : reverseNames(systemClock, dnsServer),
    account: accountFor(given.text('user'), listened),
    pidFile: given.text('pid-file') ?? null,
  };
}

async function bindAll(
  server: SmtpServer,
  { addresses, account }: ReturnType<typeof readSettings>,
): Promise<ListenAddress[]> {
  const bound: ListenAddress[] = [];
  for (const address of addresses) {
    try {
      bound.push(await server.listen(address, account));
    } catch (error) {
      throw new CommandError(`--listen ${messageOf(error)}`);
    }
  }
  return bound;
}

/** Takes the place of `--listen`: whoever passes sockets has said where to listen. */
async function adoptAll(server: SmtpServer, passed: readonly PassedListener[]): Promise<ListenAddress[]> {
  for (const { address, fd } of passed) await server.adopt(address, fd);
  return passed.map(({ address }) => address);
}

// Said at every log level: whoever starts a server waits for this line.
function announce(world: World, address: ListenAddress): void {
  world.stderr(`${world.pid} Listening on ${showListenAddress(address)}`);
}

function sayPlaces({ limits, wantedConnections }: ReturnType<typeof readSettings>, log: Log): void {
  const { connections } = limits.settings;
  if (connections >= wantedConnections && wantedConnections !== 0) return;
  // The default is what most have anyway: worth a warning only where somebody asked for more.
  const level = wantedConnections === DEFAULT_CONNECTIONS ? 'notice' : 'warn';
  const why = 'there are no file descriptors for more (two for each client, and 100)';
  log.write(level, `at most ${connections} clients at a time: ${why}`);
}

async function reload(
  program: Program,
  parts: Parts,
  current: { engine: Engine },
  addresses: readonly ListenAddress[],
): Promise<void> {
  const { store, log, world } = parts;
  store.expire();
  const built = await loadEngine(program, parts);
  const { engine } = built;
  const all = [...allFindings(store, built), ...listenerFindings(addresses, engine)];
  for (const finding of all) logFinding(log, finding);
  if (hasErrors(all)) {
    void engine.retire();
    log.write('error', 'error, the new configuration is not used: the old one goes on');
    return;
  }
  void current.engine.retire();
  current.engine = engine;
  await runPostFork(engine);
  world.stderr(`${world.pid} configuration is read anew`);
}

async function stop(
  server: SmtpServer,
  engine: Engine,
  stderr: StderrWriter,
  pidFile: string | null,
): Promise<void> {
  if (server.isStopping) return;
  engine.log.write('notice', 'shutting down: no new clients');
  await server.stop(STOP_MS);
  await Promise.race([engine.retire(), wait(STOP_MS)]);
  if (pidFile !== null) releasePidFile(pidFile, process.pid);
  stderr.flush();
  process.exit(0);
}
