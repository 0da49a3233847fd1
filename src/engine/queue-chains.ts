// Which queue handlers a recipient's mail goes to, by config/queue_routes, and what is wrong with the targets that
// the file names.

import type { ConfigStore } from '../config/config-store.ts';
import { type ConfigError, type Finding, findingOf } from '../config/errors.ts';
import type { QueueRoutes } from '../config/queue-routes.ts';
import { remembered } from '../contract/when-ready.ts';
import { allQueuesRouted, unknownTarget } from './errors.ts';
import type { LoadedLine } from './instantiate.ts';
import type { BoundHandler, Chains } from './registry.ts';

export interface QueueChains {
  /** for recipients without a route */
  readonly others: readonly BoundHandler[];
  /** the handlers of one plugin line; null where it has none, or there is no such line */
  of(target: string): readonly BoundHandler[] | null;
}

/** Gives the same chains as long as the routes are the same. */
export function queueChains({ queue }: Chains): (routes: QueueRoutes) => QueueChains {
  const byTarget = Map.groupBy(queue, ({ plugin }) => plugin);
  return remembered((routes: QueueRoutes) => {
    const named = new Set(routes.all.map(({ target }) => target));
    const unnamed = queue.filter(({ plugin }) => !named.has(plugin));
    return {
      others: unnamed.length > 0 ? unnamed : queue,
      of: (target) => byTarget.get(target) ?? null,
    };
  });
}

/** Routes to what takes no messages, and recipients that may come to stand somewhere unmeant. */
export function routeFindings(
  store: ConfigStore,
  lines: readonly LoadedLine[],
  written: readonly string[],
): Finding[] {
  const { all } = store.value('queue_routes');
  const queues = lines.filter(({ hooks }) => hooks.includes('queue')).map(({ instance }) => instance.id);
  const loaded = new Set(lines.map(({ instance }) => instance.id));
  const wrong = all
    // A line that could not be loaded has a finding of its own.
    .filter(({ target }) => !queues.includes(target) && (loaded.has(target) || !written.includes(target)))
    .map(({ target, where }) => findingOf(unknownTarget(where, target, loaded.has(target), queues), 'error'));
  const [first] = all;
  const isOpen = !all.some(({ pattern }) => pattern === '*');
  if (first === undefined || wrong.length > 0 || !isOpen) return wrong;
  const areAllNamed = queues.every((id) => all.some(({ target }) => target === id));
  return areAllNamed ? [asWarning(allQueuesRouted(first.where, queues[0] ?? ''))] : [];
}

function asWarning(error: ConfigError): Finding {
  return findingOf(error, 'warning');
}
