// What `setup` of one plugin line is given.

import type { ConfigStore } from '../config/config-store.ts';
import type { Connection, Transaction } from '../contract/connection.ts';
import type { Resolver } from '../contract/dns.ts';
import { type Awaitable, type HookName, isHookName } from '../contract/hooks.ts';
import type { BaseHandlers, Clock, Host, Plugin, ProxySource, QueueTarget } from '../contract/plugin.ts';
import type { Log } from '../log/log.ts';
import { RecipientGroup } from '../message/recipient-group.ts';
import { SourceLogger } from './call.ts';
import { makeFileReaders } from './file-readers.ts';
import type { Lookup } from './lookup.ts';
import type { PluginInstance } from './registry.ts';

/** What hosts share: the world, as far as plugins may touch it. */
export interface World {
  readonly clock: Clock;
  readonly dns: Resolver;
  readonly pid: number;
  readonly hostname: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  stderr(line: string): void;
  /** see Host */
  tlsTicketKeys(): Buffer;
}

export interface HostMeans {
  readonly world: World;
  readonly log: Log;
  readonly store: ConfigStore;
  readonly lookup: Lookup;
  /** where `acceptProxyHeader` puts what it is given */
  readonly proxySources: ProxySource[];
  /** where `onRetire` puts what it is given */
  readonly retirements: (() => Awaitable<void>)[];
}

/** What the host of one line can do beside. */
export interface LineMeans {
  readonly base: BaseHandlers;
  target(line: string): Promise<QueueTarget>;
}

export function makeHost(
  means: HostMeans,
  plugin: Plugin,
  instance: PluginInstance,
  options: Readonly<Record<string, unknown>>,
  { base, target }: LineMeans,
): Host {
  const { world, lookup } = means;
  const source = { plugin: instance.id, hook: null, connection: null, transaction: null };
  const log = new SourceLogger(means.log, source, (level) => instance.adjustLevel(level));
  return {
    id: instance.id,
    options,
    files: makeFileReaders(plugin.files ?? {}, lookup, means.store, log),
    base,
    log,
    clock: world.clock,
    dns: world.dns,
    pid: world.pid,
    hostname: world.hostname,
    env: world.env,
    version: world.version,
    stderr: (line) => world.stderr(line),
    perConnection: cells<Connection>,
    perTransaction: cells<Transaction>,
    configLines: (file) => lookup.fileTexts(file),
    configDirs: means.store.dirs.all,
    tlsTicketKeys: () => world.tlsTicketKeys(),
    acceptProxyHeader: (from) => void means.proxySources.push(from),
    target,
    onRetire: (work) => void means.retirements.push(work),
  };
}

function cells<K extends object>(this: void, init: (key: K) => object) {
  const made = new WeakMap<K, object>();
  return (given: K) => {
    // A part of its recipients does not make another message.
    const key = given instanceof RecipientGroup ? (given.whole as object as K) : given;
    let cell = made.get(key);
    if (cell === undefined) {
      cell = init(key);
      made.set(key, cell);
    }
    // The cell was made by the plugin's own init.
    return cell as never;
  };
}

/** Handlers of a parent plugin for `host.base`; those that it does not have decline. */
export function baseHandlers(find: (hook: HookName) => BaseHandlers[HookName]): BaseHandlers {
  return new Proxy({} as BaseHandlers, {
    get: (_target, name) => (typeof name === 'string' && isHookName(name) ? find(name) : undefined),
  });
}
