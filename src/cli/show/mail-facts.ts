// What becomes of mail: which queue plugins take whose, and which extensions of SMTP are offered, with the reasons.

import { type ExtensionKeyword, extensionKeywords, extensionNeeds } from '../../config/extensions.ts';
import { carriedExtensions } from '../../contract/plugin.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import { because, byDefault, type Fact, fromFile, type Origin } from './facts.ts';

export function queueFacts(engine: Engine): Fact[] {
  const routes = engine.store.value('queue_routes');
  const others = engine.queueChains(routes).others.map(({ plugin }) => plugin);
  const name = routes.isEmpty ? '(all recipients)' : '(recipients without a route)';
  return [
    ...routes.all.map(
      ({ pattern, target, where }): Fact => ({
        kind: 'queue',
        name: pattern,
        value: target,
        origin: fromFile(where),
      }),
    ),
    {
      kind: 'queue',
      name,
      value: others.join(' '),
      origin: others.length > 1 ? because('in this order') : null,
    },
  ];
}

/** @param offers what a client was really told, without the core's own: they are offered by plugins */
export function extensionFacts(engine: Engine, offers: readonly string[]): Fact[] {
  const offered = engine.extensions();
  const ofCore = extensionKeywords.map(
    (keyword): Fact => ({
      kind: 'extension',
      name: keyword,
      value: offered.has(keyword)
        ? keyword === 'REQUIRETLS'
          ? 'offered under TLS'
          : 'offered'
        : 'not offered',
      origin: reasonOf(keyword, engine),
    }),
  );
  const ofPlugins = offers
    .map((line) => line.split(' '))
    .filter(([keyword = '']) => !extensionKeywords.some((known) => known === keyword))
    .map(
      ([keyword = '', ...words]): Fact => ({
        kind: 'extension',
        name: keyword,
        value: ['offered', ...words].join(' '),
        origin: because('by plugins, to a stranger in clear'),
      }),
    );
  return [...ofCore, ...ofPlugins];
}

function reasonOf(keyword: ExtensionKeyword, engine: Engine): Origin {
  const offered = engine.extensions();
  const missing = extensionNeeds[keyword]?.find((needed) => !offered.has(needed));
  const line = engine.store
    .lines('extensions')
    ?.find(({ text }) => text.split(/\s+/, 1)[0]?.toUpperCase() === keyword);
  const isSwitched = engine.store.value('extensions').has(keyword);
  if (line !== undefined && isSwitched && (offered.has(keyword) || missing === undefined)) {
    return fromFile(line.where);
  }
  if (missing !== undefined) return because(`needs ${missing}`);
  return carriedExtensions.some((carried) => carried === keyword)
    ? because(carriers(keyword, engine))
    : byDefault;
}

/** Any of them may be the one that takes the message: all of them have to be able to. */
function carriers(keyword: ExtensionKeyword, { lines }: Engine): string {
  const queues = lines.filter(({ hooks }) => hooks.includes('queue'));
  if (queues.length === 0) return 'no queue plugin is loaded that could carry it on';
  const unable = queues.filter(({ carries }) => !carries.some((carried) => carried === keyword));
  if (unable.length === 0) return `${namesOf(queues)} can carry it on`;
  return `${namesOf(unable)} cannot carry it on`;
}

function namesOf(lines: readonly LoadedLine[]): string {
  return lines.map(({ instance }) => instance.id).join(', ');
}
