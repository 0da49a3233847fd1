// `qpsmtpd worker`: one of the processes of `qpsmtpd forkserver`, which alone can start it. Takes clients of the sockets
// that it is given, until the parent says otherwise, or is gone.

import { setTimeout as wait } from 'node:timers/promises';
import type { CommandDef } from 'citty';
import type { Finding } from '../config/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { handlerNames, makeHandlerMark } from '../engine/handler-mark.ts';
import { Log } from '../log/log.ts';
import { Spool } from '../message/spool.ts';
import { ConnectionLimits } from '../server/connection-limits.ts';
import { parseHostPort } from '../server/listen-address.ts';
import { guardProcess } from '../server/own-process.ts';
import type { ParentEntry } from '../server/parent-log.ts';
import { nameless, reverseNames } from '../server/reverse-names.ts';
import { SharedCounts } from '../server/shared-counts.ts';
import { ignoreSignals, onSignals } from '../server/signals.ts';
import { SmtpServer } from '../server/smtp-server.ts';
import { watchForStalls } from '../server/stall-watch.ts';
import { TicketKeys } from '../server/tls-ticket-keys.ts';
import {
  type FromWorker,
  type LoginFailure,
  received,
  type ToWorker,
  type WorkerOrders,
} from '../server/worker-messages.ts';
import { DeliveredBefore } from '../session/delivered-before.ts';
import { LoginGuard } from '../session/login-guard.ts';
import { allFindings, loadEngine, logFinding, makeResolver, systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, makeCommand } from './command.ts';
import { makeParts, type Parts, placesFor, prepareSpool, runPostFork } from './daemon.ts';
import { findingsAtStart } from './engine-findings.ts';
import { findingText, hasErrors, printFindings } from './findings.ts';
import { listenerFindings } from './listeners.ts';
import type { Program } from './program.ts';

const STOP_MS = 30_000;
const ALIVE_MS = 2000;

export function workerCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'worker',
    description: 'One of the processes of forkserver, which starts it',
    args: {},
    isHidden: true,
    async run() {
      if (process.send === undefined) throw new CommandError('forkserver starts its workers itself');
      // A terminal, or whoever means the parent, may ask all of them.
      ignoreSignals();
      guardProcess('qpsmtpd-worker');
      return work(program, await ordersFromParent());
    },
  });
}

/** Whoever is told to end before it has begun to serve has nothing to bring to an end. */
const endAtOnce = () => process.exit(0);

function ordersFromParent(): Promise<WorkerOrders> {
  return new Promise((resolve) => {
    process.once('message', (raw: unknown) => {
      const message = received<ToWorker>(raw);
      if (message?.kind === 'start') resolve(message.orders);
      else endAtOnce();
    });
    process.once('disconnect', endAtOnce);
  });
}

/** What all workers know. */
interface Shared {
  readonly counts: SharedCounts;
  readonly logins: LoginGuard;
  readonly delivered: DeliveredBefore;
}

/** What the parent says, from the first moment on. */
class ParentLine {
  onStop: () => void = endAtOnce;
  onRetire: () => void = endAtOnce;
  /** what the parent has to log */
  onLog: (entry: ParentEntry) => void = () => {};

  constructor({ counts, logins, delivered }: Shared) {
    process.on('message', (raw: unknown) => {
      const message = received<ToWorker>(raw);
      if (message?.kind === 'elsewhere') counts.hear(message.counts);
      else if (message?.kind === 'failure') hearFailure(logins, message.failure);
      else if (message?.kind === 'delivered') delivered.hear(message.news, systemClock.monotonic());
      else if (message?.kind === 'stop') this.onStop();
      else if (message?.kind === 'retire') this.onRetire();
      else if (message?.kind === 'log') this.onLog(message.entry);
    });
    process.removeAllListeners('disconnect');
    process.once('disconnect', () => this.onStop());
  }
}

function hearFailure(logins: LoginGuard, { ip, age, limits }: LoginFailure): void {
  logins.noteElsewhere(ip, systemClock.monotonic() - age, limits);
}

/** What cannot be said any more need not be. */
function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** The parent knows more ways to say it: other workers may have logging plugins. */
function tellErrors(findings: readonly Finding[]): Promise<void> {
  const errors = findings.filter(({ severity }) => severity === 'error').map(findingText);
  const message: FromWorker = { kind: 'refused', findings: errors };
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

async function work(program: Program, orders: WorkerOrders): Promise<number | null> {
  const { sockets } = orders;
  // What a plugin prints there is lost, and no reason to end its session.
  if (orders.isMute === true) process.stderr.on('error', () => {});
  const counts = new SharedCounts(orders.counts, (changed) => tell({ kind: 'counts', counts: changed }));
  const logins = new LoginGuard({
    key: Buffer.from(orders.loginKey, 'hex'),
    tell: (ip, limits) => tell({ kind: 'failure', failure: { ip, limits, age: 0 } }),
    isSpokesman: false,
  });
  logins.learn(orders.logins, systemClock.monotonic());
  const delivered = new DeliveredBefore((news) => tell({ kind: 'delivered', news }));
  for (const news of orders.delivered) delivered.hear(news, systemClock.monotonic());
  const parent = new ParentLine({ counts, logins, delivered });
  const mark = makeHandlerMark();
  const tickets = new TicketKeys(() => systemClock.monotonic(), orders.tickets);
  const dns = makeResolver(systemClock, orders.dns === null ? null : parseHostPort(orders.dns));
  const parts = { ...makeParts(program, orders.configs, { tickets, dns }), mark };
  const { log, store, stderr, world } = parts;
  const built = await loadEngine(program, parts);
  const { engine } = built;
  const addresses = sockets.map(({ address }) => address);
  const findings = [...allFindings(store, built), ...listenerFindings(addresses, engine)];
  if (orders.isFirst)
    printFindings(hasErrors(findings) ? findings : [...findings, ...findingsAtStart(engine)]);
  if (hasErrors(findings)) {
    stderr.flush();
    if (!orders.isFirst) await tellErrors(findings);
    process.exit(EXIT_FAILED);
  }
  if (engine.sinks.length > 0) log.use(engine.sinks);
  if (!orders.isFirst) for (const finding of findings) logFinding(log, finding);

  const spool = new Spool({ dir: store.value('spool_dir'), perms: store.value('spool_perms') }, process.pid);
  prepareSpool(spool, log);
  const server = new SmtpServer({
    engine: () => engine,
    spool,
    logins,
    delivered,
    limits: new ConnectionLimits(limitsFrom(orders), counts),
    reverseName: orders.noRdns ? nameless : reverseNames(dns),
  });
  await runPostFork(engine);
  watchForStalls({ mark, names: handlerNames(engine.chains), stallMs: orders.stallMs });

  const end = async () => {
    await Promise.race([engine.retire(), wait(STOP_MS)]);
    stderr.flush();
    process.exit(0);
  };
  const stop = async () => {
    if (server.isStopping) return;
    await server.stop(STOP_MS);
    await end();
  };
  onSignals({
    stop,
    // It is for the parent, and means new workers.
    reload: () => Promise.resolve(),
    handOver: null,
    report: () => world.stderr(`${world.pid} status: ${server.status}`),
    fault: (text) => server.fault(text),
  });
  const parentLog = logOfParent(parts, engine);
  parent.onLog = ({ serial, level, text }) => {
    parentLog.write(level, text);
    tell({ kind: 'logged', serial });
  };
  parent.onStop = () => void stop();
  parent.onRetire = () => void server.retire().then(end);
  for (const { address, fd } of sockets) await server.adopt(address, fd);
  server.open();
  setInterval(() => tell({ kind: 'alive' }), ALIVE_MS).unref();
  tell({ kind: 'serving', logs: engine.sinks.length > 0 });
  return null;
}

function logOfParent({ fallback, deadlines }: Parts, { sinks }: Engine): Log {
  const log = new Log(process.ppid, systemClock.now, fallback);
  if (sinks.length > 0) log.use(sinks);
  deadlines.onSweep(() => log.refresh());
  return log;
}

function limitsFrom({ limitConnections, maxFromIp }: WorkerOrders) {
  return { connections: limitConnections, fromIp: maxFromIp, own: placesFor(limitConnections) };
}
