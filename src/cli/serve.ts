// `qpsmtpd serve`: one process that listens and serves until it is told to stop.

import { setTimeout as wait } from 'node:timers/promises';
import type { ArgsDef, CommandDef } from 'citty';
import type { Engine } from '../engine/engine.ts';
import type { World } from '../engine/host.ts';
import type { Log } from '../log/log.ts';
import type { StderrWriter } from '../log/stderr-writer.ts';
import { Spool } from '../message/spool.ts';
import { heldAlready, type OpenSocket } from '../server/bound-sockets.ts';
import { ConnectionLimits } from '../server/connection-limits.ts';
import {
  type ListenAddress,
  parseHostPort,
  parseListenAddress,
  showListenAddress,
} from '../server/listen-address.ts';
import { guardProcess } from '../server/own-process.ts';
import { claimPidFile, releasePidFile } from '../server/pid-file.ts';
import { nameless, reverseNames } from '../server/reverse-names.ts';
import { serviceManager } from '../server/service-manager.ts';
import { ignoreSignals, onSignals } from '../server/signals.ts';
import { SmtpServer } from '../server/smtp-server.ts';
import { TicketKeys } from '../server/tls-ticket-keys.ts';
import type { Arguments } from './arguments.ts';
import { allFindings, loadEngine, logFinding, makeResolver, systemClock } from './assemble.ts';
import { lostRightsFindings } from './check/lost-rights.ts';
import { serverUser } from './check/server-user.ts';
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
  takeHome,
  told,
} from './daemon.ts';
import { findingsAtStart, structureWarnings } from './engine-findings.ts';
import { hasErrors, printFindings } from './findings.ts';
import { listenerFindings } from './listeners.ts';
import type { Program } from './program.ts';
import { configArgs, serverArgs } from './shared-args.ts';
import { findHeritage, type Heritage, inheritedState, Succession } from './succession.ts';

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
  dns: serverArgs.dns,
  'no-rdns': serverArgs['no-rdns'],
  user: serverArgs.user,
  'pid-file': serverArgs['pid-file'],
  'limit-connections': serverArgs['limit-connections'],
  'max-from-ip': serverArgs['max-from-ip'],
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
  ignoreSignals();
  const heritage = await findHeritage();
  guardProcess('qpsmtpd');
  const settings = readSettings(given, heritage.sockets);
  takeHome(settings.account);
  const tickets = new TicketKeys(() => systemClock.monotonic(), heritage.predecessor?.tickets ?? null);
  const parts = makeParts(program, given.texts('config'), { tickets, dns: settings.dns });
  const { store, log, world } = parts;
  const { env, pid } = process;
  const manager = serviceManager({ env, pid, warn: (text) => log.write('warn', text) });
  const first = await loadEngine(program, parts);
  const findings = [...allFindings(store, first), ...listenerFindings(settings.addresses, first.engine)];
  printFindings(findings);
  if (hasErrors(findings)) return EXIT_FAILED;
  printFindings(findingsAtStart(first.engine));
  if (settings.account !== null) {
    const user = serverUser(settings.account.name);
    const context = { store, engine: first.engine, user, now: systemClock.now() };
    printFindings(await lostRightsFindings(context));
  }

  const current = { engine: first.engine };
  const startLogging = () => {
    const { sinks } = current.engine;
    log.use(sinks.length > 0 ? sinks : [parts.fallback]);
  };
  startLogging();
  const spool = new Spool({ dir: store.value('spool_dir'), perms: store.value('spool_perms') }, process.pid);
  const { pidFile, limits } = settings;
  const { predecessor } = heritage;
  const now = () => systemClock.monotonic();
  const state = inheritedState(heritage, now, (level, text) => log.write(level, text));
  if (predecessor !== null) limits.share(() => state.ownClients());
  const { logins, delivered } = state;
  const server = new SmtpServer({ ...settings, logins, delivered, engine: () => current.engine, spool });
  const succession = new Succession({
    log: (level, text) => log.write(level, text),
    manager,
    pidFile,
    isMute: false,
    state,
    tickets: () => tickets.share,
  });
  try {
    if (heritage.sockets.length === 0) await bindAll(server, settings);
    dropRights(settings.account, log, pidFile);
    prepareSpool(spool, log);
    sayPlaces(settings, log);
    await runPostFork(current.engine);
    if (pidFile !== null) told(() => claimPidFile(pidFile, process.pid, predecessor?.pid), '--pid-file');
    // Last: from here on clients come to us, whom a mistake would leave alone.
    await takeSockets(server, heritage);
    server.open();
    for (const { address } of server.sockets) announce(world, address);
  } catch (error) {
    // What is bound would keep the process alive.
    await (predecessor === null ? server.stop(0) : server.retire());
    throw error;
  }
  onSignals({
    stop: () => {
      manager.stopping();
      succession.abandon();
      return stop(server, current.engine, parts.stderr, pidFile);
    },
    reload: () =>
      manager.reload(async () => {
        const isNew = await reload(program, parts, current, settings.addresses);
        startLogging();
        return isNew;
      }),
    handOver: async () => {
      if (server.isStopping) return;
      limits.share(() => state.ownClients());
      if (!(await succession.handOver(server.sockets))) return;
      void current.engine.retire();
      await server.retire();
      await predecessor?.gone();
      await end(current.engine, parts.stderr, pidFile);
    },
    // Said at every log level: whoever asks wants to know.
    report: () => world.stderr(`${world.pid} status: ${server.status}`),
    fault: (text) => server.fault(text),
  });
  await manager.ready({ isServing: () => true, status: () => server.status });
  predecessor?.letGo();
  return null;
}

function readSettings(given: Arguments, passed: readonly OpenSocket[]) {
  const addresses = given.texts('listen').map((text) => told(() => parseListenAddress(text), '--listen'));
  const server = given.text('dns');
  const dns = makeResolver(
    systemClock,
    server === undefined ? null : told(() => parseHostPort(server), '--dns'),
  );
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
    dns,
    reverseName: given.flag('no-rdns') ? nameless : reverseNames(dns),
    account: accountFor(given.text('user'), listened),
    pidFile: given.text('pid-file') ?? null,
  };
}

async function bindAll(
  server: SmtpServer,
  { addresses, account }: ReturnType<typeof readSettings>,
): Promise<void> {
  for (const address of addresses) {
    try {
      await server.listen(address, account);
    } catch (error) {
      throw new CommandError(`--listen ${messageOf(error)}`);
    }
  }
}

/** Takes the place of `--listen`: whoever passes sockets has said where to listen. */
async function takeSockets(server: SmtpServer, { sockets }: Heritage): Promise<void> {
  for (const socket of sockets) await server.take(heldAlready(socket));
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
): Promise<boolean> {
  const { store, log, world } = parts;
  store.expire();
  const built = await loadEngine(program, parts);
  const { engine } = built;
  const all = [...allFindings(store, built), ...listenerFindings(addresses, engine)];
  for (const finding of all) logFinding(log, finding);
  if (hasErrors(all)) {
    void engine.retire();
    log.write('error', 'error, the new configuration is not used: the old one goes on');
    return false;
  }
  for (const finding of structureWarnings(engine)) logFinding(log, finding);
  void current.engine.retire();
  current.engine = engine;
  await runPostFork(engine);
  world.stderr(`${world.pid} configuration is read anew`);
  return true;
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
  await end(engine, stderr, pidFile);
}

async function end(engine: Engine, stderr: StderrWriter, pidFile: string | null): Promise<void> {
  await Promise.race([engine.retire(), wait(STOP_MS)]);
  if (pidFile !== null) releasePidFile(pidFile, process.pid);
  stderr.flush();
  process.exit(0);
}
