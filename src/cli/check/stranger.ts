// A client from far away, played to the plugins without a network: it asks for recipients, and never sends a message.
// Only plugins that say that they have no side effects are asked (Plugin.sideEffects), so that nothing is written, counted
// or looked up, and nobody has to wait.

import { type HookName, hookNames } from '../../contract/hook-names.ts';
import { Dispatcher } from '../../engine/dispatch.ts';
import type { Engine } from '../../engine/engine.ts';
import { Lookup } from '../../engine/lookup.ts';
import type { BoundHandler } from '../../engine/registry.ts';
import { Spool } from '../../message/spool.ts';
import type { Address } from '../../protocol/address.ts';
import { Client } from '../../session/client.ts';
import { converse } from '../../session/conversation.ts';
import { DeliveredBefore } from '../../session/delivered-before.ts';
import { LoginGuard } from '../../session/login-guard.ts';
import { Session } from '../../session/session.ts';
import { MemoryWire } from '../transcript/memory-wire.ts';

/** What became of RCPT. */
export interface Taken {
  readonly recipient: Address;
  /** the plugin line that took it */
  readonly by: BoundHandler;
  /** the stranger counts as a relay client */
  readonly isRelayClient: boolean;
}

export const FOREIGN_DOMAIN = 'relay-test.invalid';
const CALM = { isStopping: false, isStressed: false };
const LOCAL_IP = '192.0.2.25';

/** An engine of which only the plugins without side effects are asked. */
export function quietEngine(engine: Engine): Engine {
  const { log, world, store, deadlines } = engine;
  const ids = new Set(
    engine.lines
      .filter(({ plugins }) => plugins.every(({ plugin }) => plugin.sideEffects === false))
      .map(({ instance }) => instance.id),
  );
  const chains: Record<HookName, readonly BoundHandler[]> = { ...engine.chains };
  for (const hook of hookNames) chains[hook] = chains[hook].filter(({ plugin }) => ids.has(plugin));
  const dispatcher = new Dispatcher({
    chains,
    log,
    deadlines,
    clock: world.clock,
    hookTimeoutMs: () => store.value('hook_timeout') * 1000,
    lookUp: (file, call, user) => lookup.texts(file, call, user),
  });
  const lookup = new Lookup(store, () => dispatcher, store.value('me'), log);
  return { ...engine, chains, dispatcher, lookup };
}

/**
 * Asks for one recipient in a session of its own.
 *
 * @param path as it stands between < and >
 */
export async function askFor(path: string, remoteIp: string, engine: Engine): Promise<Taken | null> {
  const wire = new MemoryWire();
  const session = sessionOf(remoteIp, wire, engine);
  const over = converse(session, CALM);
  const say = async (line: string) => {
    await wire.idle();
    if (!wire.closed) wire.send(`${line}\r\n`);
    await wire.idle();
  };
  await say(`EHLO ${FOREIGN_DOMAIN}`);
  await say(`MAIL FROM:<stranger@${FOREIGN_DOMAIN}>`);
  // A sender whom some plugin does not like.
  if (session.transaction.sender === null) await say('MAIL FROM:<>');
  await say(`RCPT TO:<${path}>`);
  const [recipient] = session.transaction.recipients;
  const by = engine.chains.rcpt.find(({ plugin }) => session.verdicts.codeOf(plugin, 'rcpt') === 'OK');
  const isRelayClient = session.connection.relayClient;
  wire.finish();
  await over;
  return recipient === undefined || by === undefined ? null : { recipient, by, isRelayClient };
}

/** What a stranger without TLS is offered, without the code and the greeting. */
export async function offersTo(remoteIp: string, engine: Engine): Promise<readonly string[]> {
  const wire = new MemoryWire();
  const over = converse(sessionOf(remoteIp, wire, engine), CALM);
  await wire.idle();
  wire.takeOutput();
  wire.send(`EHLO ${FOREIGN_DOMAIN}\r\n`);
  await wire.idle();
  const lines = wire
    .takeOutput()
    .split('\r\n')
    .filter((line) => line.startsWith('250'));
  wire.finish();
  await over;
  return lines.slice(1).map((line) => line.slice(4));
}

function sessionOf(remoteIp: string, wire: MemoryWire, engine: Engine): Session {
  const peer = {
    remoteIp,
    remotePort: 49152,
    remoteHost: 'Unknown',
    remoteInfo: `[${remoteIp}]`,
    localIp: LOCAL_IP,
    localPort: 25,
    service: { tls: false, lmtp: false },
  };
  const { store, world } = engine;
  const client = new Client(`${world.pid}.0`, peer, world.clock.now());
  return new Session(engine, client, wire, {
    // Nothing is ever put there: no message is sent.
    spool: new Spool({ dir: store.value('spool_dir'), perms: store.value('spool_perms') }, world.pid),
    sizeThreshold: () => store.value('size_threshold'),
    now: () => world.clock.now(),
    logins: new LoginGuard(),
    delivered: new DeliveredBefore(),
  });
}
