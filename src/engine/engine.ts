// The parts of one generation of configuration put together: plugins loaded and set up, hooks in order, logging
// connected. A session holds on to the engine that it began with.

import type { ConfigStore } from '../config/config-store.ts';
import { ConfigError, type Finding, findingOf } from '../config/errors.ts';
import type { ExtensionKeyword } from '../config/extensions.ts';
import { parsePluginLines } from '../config/plugin-lines.ts';
import type { QueueRoutes } from '../config/queue-routes.ts';
import type { LogLevel } from '../contract/codes.ts';
import type { Awaitable, LogEntry } from '../contract/hooks.ts';
import type { ProxySource } from '../contract/plugin.ts';
import { escaped, type Log, type LogSink, type LogSource } from '../log/log.ts';
import { asAt, Call } from './call.ts';
import type { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatch.ts';
import type { World } from './host.ts';
import { instantiate, type LoadedLine } from './instantiate.ts';
import { Lookup } from './lookup.ts';
import { offeredExtensions } from './offered-extensions.ts';
import { describe, isThenable } from './outcome.ts';
import type { PluginSource } from './plugin-source.ts';
import { type QueueChains, queueChains, routeFindings } from './queue-chains.ts';
import { type BoundHandler, type Chains, Registry } from './registry.ts';

export interface EngineMeans {
  readonly world: World;
  readonly store: ConfigStore;
  readonly source: PluginSource;
  readonly log: Log;
  readonly deadlines: Deadlines;
  /** where the handler that runs is left for others to see, see handler-mark */
  readonly mark?: Int32Array | null;
}

export interface Engine {
  readonly dispatcher: Dispatcher;
  readonly lookup: Lookup;
  readonly chains: Chains;
  readonly log: Log;
  readonly world: World;
  readonly store: ConfigStore;
  readonly deadlines: Deadlines;
  readonly lines: readonly LoadedLine[];
  /** the core's extensions that are offered; the same set until config/extensions changes */
  readonly extensions: () => ReadonlySet<ExtensionKeyword>;
  /** who takes the mail of which recipient; the same object until config/queue_routes changes */
  readonly queueChains: (routes: QueueRoutes) => QueueChains;
  /** peers that plugins trust to say who their client is */
  readonly proxySources: readonly ProxySource[];
  /** Serves no new clients any more. Resolves once the plugins have done what they wanted to do then. */
  retire(): Promise<void>;
  /** the logging plugins, for `Log.use` once this engine is the one in use */
  readonly sinks: readonly LogSink[];
}

export interface BuiltEngine {
  readonly engine: Engine;
  /** what is wrong with plugin lines; with an error among them the engine is not fit to serve */
  readonly findings: readonly Finding[];
}

/** Loads and sets up every plugin; goes on after a bad line, so that all of them are reported. */
export async function buildEngine(means: EngineMeans): Promise<BuiltEngine> {
  const { store, log, world, deadlines } = means;
  const lookup = new Lookup(store, () => dispatcher, store.value('me'), log);
  const registry = new Registry();
  const findings: Finding[] = [];
  const loaded: LoadedLine[] = [];
  const written: string[] = [];
  const proxySources: ProxySource[] = [];
  // Whoever writes the log ends last: the others may have something to say when they end.
  const retirements: { readonly [file in 'plugins' | 'logging']: Work[] } = { plugins: [], logging: [] };
  for (const file of ['logging', 'plugins'] as const) {
    const lines = lookup.fileLines(file);
    const host = { world, log, store, lookup, proxySources, retirements: retirements[file] };
    const parsed = parsePluginLines(lines);
    findings.push(...parsed.findings);
    written.push(...parsed.entries.map(({ name }) => name));
    for (const entry of parsed.entries) {
      try {
        loaded.push(...withTargets(await instantiate(entry, means.source, host, registry)));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        findings.push(findingOf(error, 'error'));
      }
    }
  }
  findings.push(...routeFindings(store, loaded, written));
  const chains = registry.freeze();
  const dispatcher = new Dispatcher({
    chains,
    log,
    deadlines,
    clock: world.clock,
    hookTimeoutMs: () => store.value('hook_timeout') * 1000,
    lookUp: (file, call, user) => lookup.texts(file, call, user),
    mark: means.mark ?? null,
  });
  const sinks = chains.logging.map((bound) => loggingSink(bound, log, lookup, world));
  const extensions = offeredExtensions(store, loaded);
  const engine = {
    dispatcher,
    lookup,
    chains,
    log,
    world,
    store,
    deadlines,
    lines: loaded,
    extensions,
    queueChains: queueChains(chains),
    proxySources,
    sinks,
    async retire() {
      dispatcher.retire();
      await end(retirements.plugins, log);
      await end(retirements.logging, log);
    },
  };
  return { engine, findings };
}

/** The line, and those that it hands messages to: with all hooks but queue, they stand beside it. */
function withTargets(line: LoadedLine): LoadedLine[] {
  const targets = line.targets.flatMap(withTargets);
  return [
    line,
    ...targets.map((target) => ({ ...target, hooks: target.hooks.filter((hook) => hook !== 'queue') })),
  ];
}

type Work = () => Awaitable<void>;

async function end(works: readonly Work[], log: Log): Promise<void> {
  await Promise.all(
    works.map(async (work) => {
      try {
        await work();
      } catch (error) {
        log.write('error', `error, a plugin failed to end its work: ${describe(error)}`);
      }
    }),
  );
}

/** A logging handler as a place where entries go. It is called outside of dispatch: it decides nothing. */
function loggingSink(bound: BoundHandler, log: Log, lookup: Lookup, world: World): LogSink {
  const means = { log, lookUp: (file: string, call: Call) => lookup.texts(file, call, null) };
  const upTo: LogLevel = bound.upTo;
  // Whoever logs must not suffer from it. It cannot be logged: that is what fails.
  const failed = (error: unknown) =>
    world.stderr(`${world.pid} error, logging plugin ${bound.plugin} failed: ${escaped(describe(error))}`);
  return {
    upTo,
    write(entry: LogEntry, source: LogSource) {
      const scene = { connection: source.connection, transaction: source.transaction, verdicts: null };
      try {
        const given = bound.run(asAt(new Call(means, bound, scene)), entry);
        if (isThenable(given)) Promise.resolve(given).catch(failed);
      } catch (error) {
        failed(error);
      }
    },
  };
}
