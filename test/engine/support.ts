// What the engine's tests have in common: a clock that is set by hand, a log that can be read, handlers without
// a plugin around them, and whole engines of plugins that are written down in a test.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { ConfigDirs } from '../../src/config/config-dir.ts';
import { ConfigStore } from '../../src/config/config-store.ts';
import type { Finding } from '../../src/config/errors.ts';
import { type PluginLine, parsePluginLine } from '../../src/config/plugin-lines.ts';
import type { AtEnvelope } from '../../src/contract/at.ts';
import type { LogLevel } from '../../src/contract/codes.ts';
import type { HookName } from '../../src/contract/hooks.ts';
import { formatLogLine } from '../../src/contract/log-line.ts';
import { definePlugin, type Plugin } from '../../src/contract/plugin.ts';
import type { Scene } from '../../src/engine/call.ts';
import { Deadlines } from '../../src/engine/deadlines.ts';
import { Dispatcher } from '../../src/engine/dispatch.ts';
import { type BuiltEngine, buildEngine } from '../../src/engine/engine.ts';
import type { World } from '../../src/engine/host.ts';
import { type BundledPlugins, PluginSource } from '../../src/engine/plugin-source.ts';
import { type Chains, type PluginInstance, Registry } from '../../src/engine/registry.ts';
import { Log } from '../../src/log/log.ts';
import { VerdictLog } from '../../src/message/verdict-log.ts';
import type { Peer } from '../../src/session/client.ts';
import { Client } from '../../src/session/client.ts';
import { fakeResolver } from '../support/fake-resolver.ts';

/** Stands still until it is set forward. */
export class HandClock {
  time = 0;
  readings = 0;

  now = () => new Date(this.time);
  monotonic = () => {
    this.readings++;
    return this.time;
  };
}

/** A log whose lines read `level ID (hook) plugin: text`. */
export function readableLog(clock: HandClock, upTo: LogLevel = 'info') {
  const lines: string[] = [];
  const log = new Log(7, clock.now, {
    upTo,
    write: (entry) => lines.push(`${entry.level} ${formatLogLine(entry)}`),
  });
  return { log, lines };
}

const PEER: Peer = {
  remoteIp: '192.0.2.1',
  remotePort: 1025,
  remoteHost: 'client.example',
  remoteInfo: 'client.example',
  localIp: '192.0.2.9',
  localPort: 25,
  service: { tls: false, lmtp: false },
};

export function makeClient(): Client {
  return new Client('7.1', PEER, new Date(0));
}

export const nowhere: Scene = { connection: null, transaction: null, verdicts: null };

export type Run = (at: AtEnvelope, ...args: readonly unknown[]) => unknown;

/** A dispatcher over handlers that are given by hand. */
export class Bench {
  readonly clock = new HandClock();
  readonly client = makeClient();
  readonly verdicts = new VerdictLog();
  readonly scene: Scene = { connection: this.client, transaction: null, verdicts: this.verdicts };
  readonly deadlines = new Deadlines(this.clock);
  readonly lines: string[];
  readonly log: Log;
  readonly #registry = new Registry();
  hookTimeoutMs = 60_000;
  #count = 0;

  constructor(t: TestContext, upTo: LogLevel = 'info') {
    ({ log: this.log, lines: this.lines } = readableLog(this.clock, upTo));
    t.after(() => this.deadlines.stop());
  }

  /** A handler of a plugin of its own, `p1`, `p2`, and so on. */
  on(hook: HookName, run: Run, given: Partial<PluginInstance> & { first?: boolean } = {}): this {
    const { first = false, ...rest } = given;
    const instance: PluginInstance = {
      id: `p${++this.#count}`,
      reject: { mode: 'on', type: null, typeIsGiven: false },
      override: null,
      onError: null,
      timeoutMs: null,
      adjustLevel: (level) => level,
      ...rest,
    };
    this.#registry.add({ plugin: instance.id, hook, instance, run, upTo: 'debug' }, first);
    return this;
  }

  dispatcher(): Dispatcher {
    return this.engineParts().dispatcher;
  }

  engineParts(): { readonly dispatcher: Dispatcher; readonly chains: Chains } {
    const chains = this.#registry.freeze();
    const dispatcher = new Dispatcher({
      chains,
      log: this.log,
      deadlines: this.deadlines,
      clock: this.clock,
      hookTimeoutMs: () => this.hookTimeoutMs,
      lookUp: () => [],
    });
    return { dispatcher, chains };
  }

  /** What a handler does that takes its time without waiting. */
  waste(ms: number): void {
    this.clock.time += ms;
  }

  /** Sets the clock forward and lets the deadlines see it. */
  pass(ms: number): void {
    this.clock.time += ms;
    this.deadlines.sweep();
  }
}

/** A handler with a side effect, on one line. */
export function doing<T>(effect: () => void, gives: T): T {
  effect();
  return gives;
}

/** A folder that is removed with the test. */
export class TempFolder {
  readonly root: string;

  constructor(t: TestContext) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'qpsmtpd-engine-')));
    t.after(() => rmSync(this.root, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, content: string | Buffer): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }
}

export function plugin(given: Partial<Plugin> & Pick<Plugin, 'setup'>): Plugin {
  return definePlugin({ name: 'x', summary: 'a plugin of a test', ...given });
}

/** Plugins as if they were built in. */
export function bundle(plugins: Readonly<Record<string, unknown>>): BundledPlugins {
  return Object.fromEntries(
    Object.entries(plugins).map(([name, definition]) => [name, async () => ({ default: definition })]),
  );
}

/** No plugin of these tests comes from the disk. */
export const noDisk = {
  load: (): never => {
    throw new Error('nothing is on this disk');
  },
  explain: () => ({ reason: 'nothing is on this disk', hint: null }),
};

export function pluginLine(text: string): PluginLine {
  return parsePluginLine({ text, where: { file: 'plugins', line: 1 } });
}

/** A configuration folder on the real disk, and engines made of it. */
export class Site {
  readonly clock = new HandClock();
  readonly folder: TempFolder;
  readonly store: ConfigStore;
  readonly findings: Finding[] = [];
  readonly stderr: string[] = [];
  readonly lines: string[];
  readonly log: Log;
  readonly deadlines = new Deadlines(this.clock);
  readonly world: World;

  constructor(
    t: TestContext,
    files: Readonly<Record<string, string | Buffer>> = {},
    upTo: LogLevel = 'info',
  ) {
    this.folder = new TempFolder(t);
    for (const [name, content] of Object.entries(files)) this.folder.write(name, content);
    ({ log: this.log, lines: this.lines } = readableLog(this.clock, upTo));
    this.store = new ConfigStore({
      dirs: new ConfigDirs([this.folder.root]),
      clock: this.clock,
      report: (finding) => this.findings.push(finding),
      hostname: 'host.example',
      home: '/home/smtpd',
    });
    this.world = {
      clock: this.clock,
      dns: fakeResolver({}),
      pid: 7,
      hostname: 'host.example',
      env: {},
      version: '0.0',
      stderr: (line) => this.stderr.push(line),
      tlsTicketKeys: () => Buffer.alloc(48),
    };
    t.after(() => this.deadlines.stop());
  }

  /** @param plugins by name, as if they were built in */
  build(plugins: Readonly<Record<string, unknown>>): Promise<BuiltEngine> {
    const source = new PluginSource(bundle(plugins), noDisk, []);
    return buildEngine({ ...this, source });
  }

  /** Moves the clock on to where the store looks at the disk again. */
  later(): void {
    this.clock.time += 1001;
  }
}
