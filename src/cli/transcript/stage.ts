// The server of a transcript: configuration in a temporary folder, real engine and session, no socket. Plugins
// behind all others take every recipient and every message, unless the transcript brings its own.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cdbMake } from '../../config/cdb.ts';
import { ConfigDirs } from '../../config/config-dir.ts';
import { ConfigStore } from '../../config/config-store.ts';
import type { Finding } from '../../config/errors.ts';
import { isDenial } from '../../contract/codes.ts';
import type { Service } from '../../contract/connection.ts';
import type { Resolver } from '../../contract/dns.ts';
import { formatLogLine } from '../../contract/log-line.ts';
import type { Clock } from '../../contract/plugin.ts';
import { definePlugin } from '../../contract/plugin.ts';
import { ok } from '../../contract/verdict.ts';
import { Deadlines } from '../../engine/deadlines.ts';
import { makeDiskLoader } from '../../engine/disk-loader.ts';
import { buildEngine, type Engine } from '../../engine/engine.ts';
import { type BundledPlugins, PluginSource } from '../../engine/plugin-source.ts';
import { Log } from '../../log/log.ts';
import { Spool } from '../../message/spool.ts';
import { formatReply } from '../../protocol/reply.ts';
import { TicketKeys } from '../../server/tls-ticket-keys.ts';
import { replyFor } from '../../session/answers.ts';
import { Client, type Peer } from '../../session/client.ts';
import { converse, type Surroundings } from '../../session/conversation.ts';
import { DeliveredBefore } from '../../session/delivered-before.ts';
import { LoginGuard } from '../../session/login-guard.ts';
import { Session } from '../../session/session.ts';
import type { Wire } from '../../session/wire.ts';
import { hasErrors } from '../findings.ts';
import type { Program } from '../program.ts';
import { MemoryWire } from './memory-wire.ts';
import type { ClientFacts, Setup } from './parse.ts';
import { zoneResolver } from './zone-resolver.ts';

export interface StageSettings {
  readonly program: Program;
  readonly setup: Setup;
  readonly clock: Clock;
  /** in place of one that knows the zone of `setup` */
  readonly dns?: Resolver;
  /** folders with plugins that go before the bundled ones */
  readonly pluginDirs: readonly string[];
}

/** One conversation under way. */
export interface Play {
  readonly wire: MemoryWire;
  readonly session: Session;
  readonly over: Promise<void>;
}

const SMTP: Service = { tls: false, lmtp: false };
const ACCEPT_RECIPIENT = '_accept_recipient';
const ACCEPT_MESSAGE = '_accept_message';

const extras: BundledPlugins = {
  [ACCEPT_RECIPIENT]: async () => ({
    default: definePlugin({
      name: ACCEPT_RECIPIENT,
      summary: 'takes every recipient',
      setup: () => ({ rcpt: () => ok() }),
    }),
  }),
  [ACCEPT_MESSAGE]: async () => ({
    default: definePlugin({
      name: ACCEPT_MESSAGE,
      summary: 'takes every message',
      setup: () => ({ queue: () => ok() }),
    }),
  }),
};

/** The configuration of a transcript has mistakes. */
export class StageError extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super('the configuration of the transcript is not good');
    this.findings = findings;
  }
}

export class Stage {
  readonly folder: string;
  readonly engine: Engine;
  readonly spool: Spool;
  #logged: string[];
  #count = 0;
  readonly #logins = new LoginGuard();
  readonly #delivered = new DeliveredBefore();

  private constructor(folder: string, engine: Engine, spool: Spool, logged: string[]) {
    this.folder = folder;
    this.engine = engine;
    this.spool = spool;
    this.#logged = logged;
  }

  /** @throws StageError */
  static async open(settings: StageSettings): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-transcript-'));
    try {
      return await Stage.#build(folder, settings);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #build(folder: string, settings: StageSettings): Promise<Stage> {
    const { program, setup, clock, pluginDirs, dns = zoneResolver(setup.zone ?? {}) } = settings;
    const logged: string[] = [];
    const findings: Finding[] = [];
    const store = writeConfig(folder, setup, clock, (finding) => findings.push(finding));
    const tickets = new TicketKeys(() => clock.monotonic());
    const world = {
      clock,
      dns,
      pid: process.pid,
      hostname: hostname(),
      env: setup.env,
      version: program.version,
      stderr: (line: string) => void logged.push(line),
      tlsTicketKeys: () => tickets.current,
    };
    const capture = {
      upTo: 'debug' as const,
      write: (entry: Parameters<typeof formatLogLine>[0]) => void logged.push(formatLogLine(entry)),
    };
    const log = new Log(process.pid, clock.now, capture);
    const source = new PluginSource(
      { ...program.bundled, ...extras },
      makeDiskLoader(program.api),
      pluginDirs,
    );
    const deadlines = new Deadlines(clock);
    const built = await buildEngine({ world, store, source, log, deadlines });
    log.use([...built.engine.sinks, capture]);
    const all = [...findings, ...store.checkAll(), ...built.findings];
    if (hasErrors(all)) {
      deadlines.stop();
      throw new StageError(all);
    }
    const spool = new Spool({ dir: join(folder, 'spool'), perms: 0o700 }, process.pid);
    spool.prepare();
    return new Stage(folder, built.engine, spool, logged);
  }

  begin(client: ClientFacts): Play {
    const wire = new MemoryWire();
    return { wire, ...this.serve(client, wire) };
  }

  /** Serves a client on a wire of the caller's. */
  serve(
    { ip, host, service = SMTP }: ClientFacts,
    wire: Wire,
    around: Surroundings = { isStopping: false, isStressed: false },
  ): Omit<Play, 'wire'> {
    const { engine, spool } = this;
    this.#count++;
    const peer = {
      remoteIp: ip,
      remotePort: 49152,
      remoteHost: host,
      remoteInfo: host,
      localIp: '192.0.2.25',
      localPort: 25,
      service,
    };
    const client = new Client(`${process.pid}.${this.#count}`, peer, engine.world.clock.now());
    const session = new Session(engine, client, wire, {
      spool,
      sizeThreshold: () => engine.store.value('size_threshold'),
      now: () => engine.world.clock.now(),
      logins: this.#logins,
      delivered: this.#delivered,
    });
    const over = engine.dispatcher.has('pre-connection')
      ? this.#serveIfLetIn(session, peer, wire, around)
      : converse(session, around);
    return { session, over };
  }

  /** What a listener does before there is a session. */
  async #serveIfLetIn(session: Session, peer: Peer, wire: Wire, around: Surroundings): Promise<void> {
    const nobody = { connection: null, transaction: null, verdicts: null };
    const incoming = { ...peer, connectionsFromIp: 1, maxFromIp: 0 };
    const verdict = await this.engine.dispatcher.decide('pre-connection', nobody, incoming);
    if (!isDenial(verdict.code)) return converse(session, around);
    const reply = replyFor('pre-connection', verdict);
    if (reply !== null) wire.write(formatReply(reply));
    wire.close();
  }

  /** Log lines since the last call. */
  takeLog(): readonly string[] {
    return this.#logged.splice(0);
  }

  close(): void {
    this.engine.deadlines.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function writeConfig(
  folder: string,
  setup: Setup,
  clock: Clock,
  report: (finding: Finding) => void,
): ConfigStore {
  const config = join(folder, 'config');
  mkdirSync(config);
  const inFolder = (text: string) => text.replaceAll('%{tmp}', folder);
  const write = (name: string, lines: readonly string[]) => {
    // A name may lead into a folder below.
    mkdirSync(dirname(join(config, name)), { recursive: true });
    writeFileSync(join(config, name), lines.map((line) => `${inFolder(line)}\n`).join(''));
  };
  for (const [name, lines] of setup.config) write(name, lines);
  for (const [name, entries] of setup.maps) {
    writeFileSync(
      join(config, `${name}.cdb`),
      cdbMake(entries.map(([key, value]) => [Buffer.from(key), Buffer.from(value)])),
    );
  }
  // A transcript has no time to wait, unless it says so.
  if (!setup.config.has('auth_failure_delay')) write('auth_failure_delay', ['0']);
  write('logging', setup.logging);
  write('plugins', [
    ...setup.plugins,
    ...(setup.plugins.some((line) => /^rcpt_ok\b/.test(line)) ? [] : [ACCEPT_RECIPIENT]),
    ...(setup.plugins.some((line) => /^queue\//.test(line)) ? [] : [ACCEPT_MESSAGE]),
  ]);
  return new ConfigStore({
    dirs: new ConfigDirs([config]),
    clock,
    report,
    hostname: 'mx.example',
    home: folder,
  });
}
