// `qpsmtpd stdin`: the one client on standard input, for tcpserver, inetd, xinetd, s6 and systemd with Accept=yes. The
// program does the same without a word when it finds a socket there, as the original's `qpsmtpd` did.

import { closeSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ArgsDef, CommandDef } from 'citty';
import { Spool } from '../message/spool.ts';
import { formatReply } from '../protocol/reply.ts';
import { ConnectionLimits } from '../server/connection-limits.ts';
import { type ListenAddress, parseHostPort } from '../server/listen-address.ts';
import { guardProcess } from '../server/own-process.ts';
import type { NamedPeer } from '../server/peers.ts';
import { nameless, reverseNames } from '../server/reverse-names.ts';
import { onSignals } from '../server/signals.ts';
import { SmtpServer } from '../server/smtp-server.ts';
import { type StandardConnection, standardInputIsSocket } from '../server/standard-socket.ts';
import { peerFromEnvironment, serviceAt } from '../server/super-server.ts';
import type { Arguments } from './arguments.ts';
import { allFindings, loadEngine, logFinding, makeResolver, systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, EXIT_OK, makeCommand } from './command.ts';
import { makeParts, prepareSpool, runPostFork, told } from './daemon.ts';
import { hasErrors } from './findings.ts';
import { listenerFindings } from './listeners.ts';
import type { Program } from './program.ts';
import { configArgs, serverArgs } from './shared-args.ts';

const STOP_MS = 30_000;
/** What plugins may still have to do once their client is gone. */
const LINGER_MS = 2000;
const OUT_OF_ORDER = {
  code: 421,
  status: '4.3.0',
  lines: ['the server has a problem, try again later'],
} as const;

const args = {
  ...configArgs,
  dns: serverArgs.dns,
  'no-rdns': { type: 'boolean', alias: 'H', description: 'do not ask the DNS for the name of the client' },
  tls: { type: 'boolean', description: 'TLS from the first octet on, as always at port 465' },
  lmtp: { type: 'boolean', description: 'LMTP in place of SMTP' },
} satisfies ArgsDef;

export function stdinCommand(program: Program, standard: StandardConnection): CommandDef {
  return makeCommand(program, {
    name: 'stdin',
    description: 'Receive mail from one client on standard input, for tcpserver, inetd and their like',
    args,
    async run(given) {
      try {
        return await serveOne(program, given, standard);
      } catch (error) {
        // Whatever it is: the client hears it, and does not keep the process.
        refuseClient(standard.socket);
        throw error;
      }
    },
  });
}

async function serveOne(program: Program, given: Arguments, standard: StandardConnection): Promise<number> {
  guardProcess('qpsmtpd');
  const { socket, address, peer } = clientOf(given, standard);
  // What a plugin lets fail where nobody waits for it ends the process as long as it does not serve.
  const onFault = () => refuseClient(socket);
  process.once('uncaughtExceptionMonitor', onFault);
  const dnsServer = given.text('dns');
  const dns = makeResolver(
    systemClock,
    dnsServer === undefined ? null : told(() => parseHostPort(dnsServer), '--dns'),
  );
  const parts = makeParts(program, given.texts('config'), { dns });
  const { log, store, stderr } = parts;
  const built = await loadEngine(program, parts);
  const { engine } = built;
  const findings = [...allFindings(store, built), ...listenerFindings([address], engine)];
  for (const finding of findings) logFinding(log, finding);
  if (hasErrors(findings)) {
    stderr.flush();
    refuseClient(socket);
    return EXIT_FAILED;
  }
  if (engine.sinks.length > 0) log.use(engine.sinks);
  const spool = new Spool({ dir: store.value('spool_dir'), perms: store.value('spool_perms') }, process.pid);
  prepareSpool(spool, log);
  await runPostFork(engine);
  const server = new SmtpServer({
    engine: () => engine,
    spool,
    limits: new ConnectionLimits({ connections: 0, fromIp: 0 }),
    reverseName: given.flag('no-rdns') ? nameless : reverseNames(dns),
  });
  process.removeListener('uncaughtExceptionMonitor', onFault);
  onSignals({
    stop: () => server.stop(STOP_MS),
    // Its configuration is as new as its client.
    reload: () => Promise.resolve(),
    handOver: null,
    report: () => stderr.write(`${process.pid} status: ${server.status}`),
    fault: (text) => server.fault(text),
  });
  server.open();
  await server.attend(socket, address, peer);
  hangUp();
  // Without `ref`: the time that is left keeps no process, and no place of tcpserver's.
  await Promise.race([engine.retire(), wait(LINGER_MS, undefined, { ref: false })]);
  stderr.flush();
  // What plugins left open must not keep a process for each client.
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return EXIT_OK;
}

interface Client {
  readonly socket: Socket;
  readonly address: ListenAddress;
  /** null: the socket knows */
  readonly peer: NamedPeer | null;
}

/** @throws CommandError where nobody says who the client is: it might be anybody */
function clientOf(given: Arguments, { socket }: StandardConnection): Client {
  const asked = { tls: given.flag('tls'), lmtp: given.flag('lmtp') };
  const peer = told(() => peerFromEnvironment(process.env, asked), 'the environment');
  if (peer !== null) {
    return { socket, address: { host: peer.localIp, port: peer.localPort, ...peer.service }, peer };
  }
  if (socket.remoteAddress === undefined) {
    throw new CommandError(
      'standard input is no TCP socket, and TCPREMOTEIP does not say who the client is: start this from tcpserver, inetd or their like',
    );
  }
  const { localAddress = '', localPort = 0 } = socket;
  return { socket, address: { host: localAddress, port: localPort, ...serviceAt(localPort, asked) }, peer };
}

// libuv never closes what was there at the start.
function hangUp(): void {
  for (const fd of [0, 1]) {
    try {
      closeSync(fd);
    } catch {
      // A pipe that is closed already.
    }
  }
}

/** Where nothing else works: clients come back later. */
function refuseClient(socket: Socket): void {
  try {
    writeSync(standardInputIsSocket() ? 0 : 1, formatReply(OUT_OF_ORDER));
  } catch {
    // It is gone.
  }
  // It would keep the process.
  socket.destroy();
}
