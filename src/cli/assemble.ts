// From a configuration folder to an engine: what serve, check-config and test-plugin have in common.

import { existsSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigDirs, defaultDirs } from '../config/config-dir.ts';
import { ConfigStore } from '../config/config-store.ts';
import type { Finding } from '../config/errors.ts';
import type { LogLevel } from '../contract/codes.ts';
import type { Resolver } from '../contract/dns.ts';
import { formatLogLine } from '../contract/log-line.ts';
import type { Clock } from '../contract/plugin.ts';
import type { Deadlines } from '../engine/deadlines.ts';
import type { DiskLoader } from '../engine/disk-loader.ts';
import { type BuiltEngine, buildEngine } from '../engine/engine.ts';
import type { World } from '../engine/host.ts';
import { PluginSource } from '../engine/plugin-source.ts';
import type { Log, LogSink } from '../log/log.ts';
import type { StderrWriter } from '../log/stderr-writer.ts';
import { DnsResolver } from '../net/resolver.ts';
import type { HostPort } from '../server/listen-address.ts';
import { TicketKeys } from '../server/tls-ticket-keys.ts';
import { findingText } from './findings.ts';
import type { Program } from './program.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
};

/** Folders to search, from what was given, the environment and the place of the program. */
export function configDirs(given: readonly string[], env: NodeJS.ProcessEnv): ConfigDirs {
  // A service folder has a link to the executable beside its config/; as a link it is known by its name alone.
  const called = process.argv0.includes('/') ? [dirname(process.argv0)] : [];
  const beside = [...called, join(dirname(process.execPath), '..')];
  const dirs = defaultDirs({ given: given.map((dir) => resolve(dir)), env, beside, exists: existsSync });
  return new ConfigDirs(dirs);
}

export function makeStore(
  dirs: ConfigDirs,
  clock: Clock,
  env: NodeJS.ProcessEnv,
  report: (finding: Finding) => void,
  home = homedir(),
): ConfigStore {
  const databytes = env['DATABYTES'];
  const overrides = databytes === undefined || databytes === '' ? {} : { databytes };
  return new ConfigStore({ dirs, clock, report, hostname: hostname(), home, overrides });
}

/** @param server the DNS server to ask (`--dns`); null: those of /etc/resolv.conf */
export function makeResolver(clock: Clock, server: HostPort | null): Resolver {
  const servers =
    server === null ? {} : { servers: [{ address: server.host || '127.0.0.1', port: server.port }] };
  return new DnsResolver({ clock, ...servers });
}

export function makeWorld(
  program: Program,
  clock: Clock,
  env: NodeJS.ProcessEnv,
  stderr: StderrWriter,
  tickets = new TicketKeys(() => clock.monotonic()),
  dns = makeResolver(clock, null),
): World {
  return {
    clock,
    dns,
    pid: process.pid,
    hostname: hostname(),
    env,
    version: program.version,
    stderr: (line) => stderr.write(line),
    tlsTicketKeys: () => tickets.current,
  };
}

/** Where entries go when no logging plugin is loaded. @param level asked for again when config/loglevel may have changed */
export function stderrSink(level: () => LogLevel, stderr: StderrWriter): LogSink {
  return {
    get upTo() {
      return level();
    },
    write: (entry) => stderr.write(formatLogLine(entry)),
  };
}

/** A finding on its way to the log. */
export function logFinding(log: Log, finding: Finding): void {
  log.write(finding.severity === 'error' ? 'error' : 'warn', `error, ${findingText(finding)}`);
}

export interface EngineParts {
  readonly store: ConfigStore;
  readonly world: World;
  readonly log: Log;
  readonly deadlines: Deadlines;
  /** one for the process: it hooks into Node's own loader */
  readonly loader: DiskLoader;
  /** see handler-mark */
  readonly mark?: Int32Array | null;
}

export function loadEngine(program: Program, parts: EngineParts): Promise<BuiltEngine> {
  const dirs = parts.store.value('plugin_dirs').map((dir) => resolve(dir));
  return buildEngine({ ...parts, source: new PluginSource(program.bundled, parts.loader, dirs) });
}

/** What is wrong with core files and plugin lines, each mistake once: both readings see config/plugins. */
export function allFindings(store: ConfigStore, built: BuiltEngine): Finding[] {
  const seen = new Set<string>();
  return [...store.checkAll(), ...built.findings].filter((finding) => {
    const key = JSON.stringify(finding);
    return !seen.has(key) && seen.add(key);
  });
}
