// One line of config/plugins to handlers in the registry: words to options, parents first, then setup.

import { ConfigError } from '../config/errors.ts';
import { type PluginLine, parsePluginLine } from '../config/plugin-lines.ts';
import type { Checkup } from '../contract/checkup.ts';
import { type LogLevel, logLevels } from '../contract/codes.ts';
import {
  type Handler,
  type HookName,
  type HookTable,
  hookFacts,
  hookNames,
  isHookName,
} from '../contract/hooks.ts';
import { type OptionSchema, type RejectMode, rejectTypes } from '../contract/options.ts';
import {
  type BaseHandlers,
  type CarriedExtension,
  carriedExtensions,
  type Host,
  type Plugin,
  type QueueTarget,
} from '../contract/plugin.ts';
import { declined } from '../contract/verdict.ts';
import { circularExtends, failedSetup, nearest, noQueuePlugin, notAPlugin, unknownHook } from './errors.ts';
import { baseHandlers, type HostMeans, makeHost } from './host.ts';
import type { LoadedPlugin, PluginSource } from './plugin-source.ts';
import { levelAdjuster, type ParsedWords, parseWords } from './plugin-words.ts';
import { queueTarget } from './queue-target.ts';
import type { BoundHandler, OnError, PluginInstance, Registry } from './registry.ts';
import type { RejectPolicy } from './rejection.ts';

export interface LoadedLine {
  readonly line: PluginLine;
  readonly instance: PluginInstance;
  /** the plugin and those it extends */
  readonly plugins: readonly LoadedPlugin[];
  readonly hooks: readonly HookName[];
  readonly carries: readonly CarriedExtension[];
  /** lines that it hands messages to; their hooks but queue are those of any line */
  readonly targets: readonly LoadedLine[];
  /** of the plugin and those it extends */
  readonly options: OptionSchema;
  /** options that stand on the line, as they are written there */
  readonly given: ReadonlyMap<string, string>;
  /** Has the plugin and those it extends say what the line stands on. */
  check(checkup: Checkup): Promise<void>;
}

type Run = BoundHandler['run'];
interface Entry {
  readonly runs: readonly Run[];
  readonly first: boolean;
  readonly upTo: LogLevel;
}
type Entries = Map<HookName, Entry>;

/** @throws ConfigError naming the line */
export async function instantiate(
  line: PluginLine,
  source: PluginSource,
  means: HostMeans,
  registry: Registry,
): Promise<LoadedLine> {
  const { loaded, entries } = await load(line, source, means, registry);
  register(loaded, entries, registry);
  return loaded;
}

interface Loaded {
  readonly loaded: LoadedLine;
  readonly entries: Entries;
}

async function load(
  line: PluginLine,
  source: PluginSource,
  means: HostMeans,
  registry: Registry,
): Promise<Loaded> {
  const plugins = await withParents(line, source);
  const plugin = mergedPlugin(plugins);
  const words = parseWords(line, plugin);
  const instance = makeInstance(line, plugin, words);
  const targets: LoadedLine[] = [];
  const target = async (text: string) => {
    const inner = await load(parsePluginLine({ text, where: line.where }), source, means, registry);
    targets.push(inner.loaded);
    return asTarget(inner, means, registry);
  };
  const makeHostOf = (own: Plugin, base: BaseHandlers) =>
    makeHost(means, own, instance, words.values, { base, target });
  const entries = await setUp(line, plugins, makeHostOf);
  const facts = {
    hooks: [...entries.keys()],
    carries: carriedBy(plugin, targets),
    options: plugin.options ?? {},
    given: words.texts,
    check: (checkup: Checkup) => check(plugins, makeHostOf, checkup),
  };
  return { loaded: { line, instance, plugins, targets, ...facts }, entries };
}

type HostMaker = (plugin: Plugin, base: BaseHandlers) => Host;

async function check(chain: readonly LoadedPlugin[], makeHostOf: HostMaker, checkup: Checkup): Promise<void> {
  const none = baseHandlers((hook) => baseHandler(undefined, hook));
  for (const { plugin } of chain) await plugin.check?.(makeHostOf(plugin, none), checkup);
}

function register({ instance }: LoadedLine, entries: Entries, registry: Registry): void {
  for (const [hook, { runs, first, upTo }] of entries) {
    for (const run of first ? runs.toReversed() : runs) {
      registry.add({ plugin: instance.id, hook, instance, run, upTo }, first);
    }
  }
}

/** Registers all handlers but those of the hook queue, which are for the target's caller. @throws ConfigError */
function asTarget({ loaded, entries }: Loaded, means: HostMeans, registry: Registry): QueueTarget {
  const { line, instance, carries } = loaded;
  const queue = entries.get('queue');
  if (queue === undefined) throw noQueuePlugin(line.where, line.name);
  const others: Entries = new Map([...entries].filter(([hook]) => hook !== 'queue'));
  register(loaded, others, registry);
  return queueTarget({ instance, carries, runs: queue.runs }, means);
}

/** What it says itself, and what everybody carries whom it hands messages to. */
function carriedBy({ carries = [] }: Plugin, targets: readonly LoadedLine[]): readonly CarriedExtension[] {
  return carriedExtensions.filter(
    (keyword) =>
      carries.includes(keyword) ||
      (targets.length > 0 && targets.every((target) => target.carries.includes(keyword))),
  );
}

/** The plugin and its ancestors, the plugin itself first. */
async function withParents(line: PluginLine, source: PluginSource): Promise<LoadedPlugin[]> {
  const chain: LoadedPlugin[] = [];
  const names: string[] = [];
  for (let name: string | undefined = line.plugin; name !== undefined; ) {
    if (names.includes(name)) throw circularExtends(line.where, [...names, name]);
    names.push(name);
    const loaded: LoadedPlugin = await source.load(name, line);
    chain.push(loaded);
    name = loaded.plugin.extends;
  }
  return chain;
}

/** A child has the options of its parents too, and fails as they do. */
function mergedPlugin(chain: readonly LoadedPlugin[]): Plugin {
  const [child, ...parents] = chain.map((loaded) => loaded.plugin) as [Plugin, ...Plugin[]];
  if (parents.length === 0) return child;
  const options = Object.assign({}, ...[...parents].reverse().map((parent) => parent.options), child.options);
  const positional = child.positional ?? parents.find((parent) => parent.positional)?.positional ?? [];
  const onError = [child, ...parents].find((plugin) => plugin.onError !== undefined)?.onError;
  const carries = [child, ...parents].find((plugin) => plugin.carries !== undefined)?.carries;
  return { ...child, options, positional, ...(onError && { onError }), ...(carries && { carries }) };
}

function makeInstance(
  line: PluginLine,
  plugin: Plugin,
  { values, common, has }: ParsedWords,
): PluginInstance {
  const isQueue = line.plugin.startsWith('queue/');
  const seconds = common.hook_timeout ?? common.timeout;
  const typeIsGiven = has('reject_type');
  return {
    id: line.name,
    reject: rejectPolicy(values['reject'], values['reject_type'], typeIsGiven) ?? plainReject,
    override: rejectPolicy(common.reject, common.reject_type, typeIsGiven),
    onError: (common.on_error as OnError | undefined) ?? plugin.onError ?? (isQueue ? 'defer' : null),
    timeoutMs: typeof seconds === 'number' ? seconds * 1000 : null,
    adjustLevel: levelAdjuster(line, common.loglevel),
  };
}

const plainReject: RejectPolicy = { mode: 'on', type: null, typeIsGiven: false };
const rejectModes: readonly RejectMode[] = ['off', 'on', 'naughty'];

/** null when neither is an option of the usual kind: some plugins have a score or a level under that name */
function rejectPolicy(mode: unknown, type: unknown, typeIsGiven: boolean): RejectPolicy | null {
  const knownMode = rejectModes.find((known) => known === mode);
  const knownType = rejectTypes.find((known) => known === type);
  if (knownMode === undefined && knownType === undefined) return null;
  return { mode: knownMode ?? 'on', type: knownType ?? null, typeIsGiven };
}

async function setUp(
  line: PluginLine,
  chain: readonly LoadedPlugin[],
  makeHostOf: HostMaker,
): Promise<Entries> {
  const entries: Entries = new Map();
  for (const { plugin } of chain.toReversed()) {
    const parent = new Map(entries);
    const base = baseHandlers((hook) => baseHandler(parent.get(hook), hook));
    let table: HookTable;
    try {
      table = await plugin.setup(makeHostOf(plugin, base));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw failedSetup(line, error instanceof Error ? error.message : String(error));
    }
    for (const [hook, entry] of Object.entries(checkedTable(line, table))) {
      if (entry !== undefined) entries.set(hook as HookName, readEntry(line, hook as HookName, entry));
    }
  }
  return entries;
}

function checkedTable(line: PluginLine, table: unknown): HookTable {
  if (typeof table !== 'object' || table === null)
    throw notAPlugin(line.where, line.name, 'gives no table of hooks in setup()');
  for (const hook of Object.keys(table)) {
    if (!isHookName(hook)) throw unknownHook(line.where, line.name, hook, nearest(hook, hookNames));
  }
  return table;
}

function readEntry(line: PluginLine, hook: HookName, entry: unknown): Entry {
  if ((typeof entry !== 'object' && typeof entry !== 'function') || entry === null) {
    return { runs: asRuns(line, hook, entry), first: false, upTo: 'debug' };
  }
  const upTo = 'upTo' in entry ? asLevel(line, entry.upTo) : 'debug';
  if ('first' in entry) return { runs: asRuns(line, hook, entry.first), first: true, upTo };
  return { runs: asRuns(line, hook, 'handler' in entry ? entry.handler : entry), first: false, upTo };
}

function asLevel(line: PluginLine, given: unknown): LogLevel {
  const known = (Object.keys(logLevels) as LogLevel[]).find((level) => level === given);
  if (known === undefined) throw notAPlugin(line.where, line.name, 'has an upTo that is no log level');
  return known;
}

function asRuns(line: PluginLine, hook: HookName, given: unknown): readonly Run[] {
  const runs: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!runs.every((run) => typeof run === 'function')) {
    throw notAPlugin(line.where, line.name, `has something that is no function for the hook ${hook}`);
  }
  return runs as readonly Run[];
}

/** The parent's handlers as one; a parent's list counts as one chain. */
function baseHandler(entry: Entry | undefined, hook: HookName): BaseHandlers[HookName] {
  const isWatch = hookFacts[hook].kind === 'watch';
  const quiet = isWatch ? undefined : declined;
  const runs = entry?.runs ?? [];
  const [only] = runs;
  if (only === undefined) return (() => quiet) as Handler<HookName>;
  if (runs.length === 1) return only as Handler<HookName>;
  return (async (at: Parameters<Run>[0], ...args: unknown[]) => {
    for (const run of runs) {
      const given = (await run(at, ...args)) as { code?: string } | undefined;
      if (!isWatch && given?.code !== 'DECLINED') return given;
    }
    return quiet;
  }) as Handler<HookName>;
}
