// The recipients of a message by the queue plugin that takes their mail: config/queue_routes, or what the user_config
// hooks say for one of them.

import type { QueueRoute } from '../config/queue-routes.ts';
import type { QueueChains } from '../engine/queue-chains.ts';
import type { BoundHandler } from '../engine/registry.ts';
import type { Address } from '../protocol/address.ts';
import { recipientKey } from './delivered-before.ts';
import type { Session } from './session.ts';

export interface QueueGroup {
  /** null where the route leads nowhere */
  readonly handlers: readonly BoundHandler[] | null;
  readonly recipients: readonly Address[];
}

/** Groups in the order in which their handlers stand in config/plugins; a recipient that came twice is in one once. */
export async function queueGroups(
  session: Session,
  recipients: readonly Address[],
): Promise<readonly QueueGroup[]> {
  const { lookup, chains, queueChains } = session.engine;
  const routes = await lookup.value('queue_routes');
  // Only postmaster may come without a domain.
  const me = recipients.some(({ domain }) => domain === '') ? await lookup.value('me') : '';
  const targets = queueChains(routes);
  const groups = new Map<readonly BoundHandler[] | null, Map<string, Address>>();
  for (const recipient of recipients) {
    const own = await ownHandlers(session, targets, recipient, me);
    const handlers = own ?? handlersOf(session, targets, routes.find(recipient, me));
    const group = groups.get(handlers) ?? new Map<string, Address>();
    groups.set(handlers, group);
    if (!group.has(recipientKey(recipient))) group.set(recipientKey(recipient), recipient);
  }
  const place = ([handlers]: readonly [readonly BoundHandler[] | null, unknown]) =>
    handlers?.[0] === undefined ? chains.queue.length : chains.queue.indexOf(handlers[0]);
  return [...groups]
    .sort((one, other) => place(one) - place(other))
    .map(([handlers, group]) => ({ handlers, recipients: [...group.values()] }));
}

function handlersOf(
  session: Session,
  targets: QueueChains,
  route: QueueRoute | null,
): readonly BoundHandler[] | null {
  if (route === null) return targets.others;
  const handlers = targets.of(route.target);
  if (handlers === null) {
    session.log('error', `error, queue_routes names ${route.target}, and there is no such queue plugin`);
  }
  return handlers;
}

/** What the user's own configuration says; null where it says nothing of use. */
async function ownHandlers(
  session: Session,
  targets: QueueChains,
  recipient: Address,
  me: string,
): Promise<readonly BoundHandler[] | null> {
  const { dispatcher, lookup } = session.engine;
  if (!dispatcher.has('user_config')) return null;
  const route = (await lookup.userValue('queue_routes', session, recipient))?.find(recipient, me) ?? null;
  if (route === null) return null;
  const handlers = targets.of(route.target);
  if (handlers === null) {
    const what = `names ${route.target}, and there is no such queue plugin: it is not used`;
    session.log('warn', `error, the queue_routes of ${recipient.path} ${what}`);
  }
  return handlers;
}
