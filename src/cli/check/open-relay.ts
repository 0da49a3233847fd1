// Whether strangers can send mail through this server to anywhere: asked of the plugins themselves, with the tricks that
// servers fell for. And the contrary: a server that takes mail for nobody.

import { readFileSync } from 'node:fs';
import type { Finding } from '../../config/errors.ts';
import { quoted } from '../../config/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import type { LoadedPlugin } from '../../engine/plugin-source.ts';
import type { Check, CheckContext } from './context.ts';
import { askFor, FOREIGN_DOMAIN, quietEngine, type Taken } from './stranger.ts';

// Addresses for documentation (RFC 5737, RFC 3849, RFC 9637). One of a kind may stand in a list as an example: who takes
// mail from all of them takes it from everybody. Networks as wide as 0.0.0.0/1 and 2000::/4 hold none, or not all of
// them: hence addresses from blocks that IANA gave to registries in three parts of the world.
const STRANGERS: readonly (readonly string[])[] = [
  ['192.0.2.1', '198.51.100.1', '203.0.113.1'],
  ['24.0.0.1', '41.0.0.1', '62.0.0.1'],
  ['2001:db8::1', '3fff::1'],
  ['2400::1', '2600::1', '2a00::1'],
];

export const openRelay: Check = async (context) => {
  const quiet = quietEngine(context.engine);
  const ours = ownDomain(context);
  return [
    ...(await relayed(quiet, ours)),
    ...trusted(context),
    ...(await passedOn(quiet, ours)),
    ...unasked(context.engine),
    ...noDomains(context),
  ];
};

/** Ways to write a recipient elsewhere. */
const elsewhere = (ours: string): readonly string[] => [
  `user@${FOREIGN_DOMAIN}`,
  // A source route, RFC 5321 appendix C.
  `@${ours}:user@${FOREIGN_DOMAIN}`,
  `user@${FOREIGN_DOMAIN}@${ours}`,
  `user@${ours}@${FOREIGN_DOMAIN}`,
  `user@${FOREIGN_DOMAIN}.`,
  '""@',
];

/** What is a mailbox of this host to us, and elsewhere to some servers behind us. */
const inOurs = (ours: string): readonly string[] => [
  `user%${FOREIGN_DOMAIN}@${ours}`,
  `${FOREIGN_DOMAIN}!user@${ours}`,
  `"user@${FOREIGN_DOMAIN}"@${ours}`,
];

async function relayed(engine: Engine, ours: string): Promise<Finding[]> {
  for (const strangers of STRANGERS) {
    for (const path of elsewhere(ours)) {
      const taken = await askAll(path, strangers, engine);
      // What ends up in a mailbox of ours has gone nowhere. One way out is enough: the others would say the same.
      if (taken !== null && taken.recipient.asciiDomain.toLowerCase() !== ours)
        return [openRelayFinding(path, strangers, taken, engine)];
    }
  }
  return [];
}

/** Null where one of them is refused. */
async function askAll(path: string, strangers: readonly string[], engine: Engine): Promise<Taken | null> {
  let taken: Taken | null = null;
  for (const ip of strangers) {
    taken = await askFor(path, ip, engine);
    if (taken === null) return null;
  }
  return taken;
}

function openRelayFinding(path: string, strangers: readonly string[], taken: Taken, engine: Engine): Finding {
  const { plugin } = taken.by;
  const hint = taken.isRelayClient
    ? 'every client counts as one that may relay: look at relayclients, and for RELAYCLIENT in the environment'
    : `${plugin} has to refuse domains that are not of this host`;
  return {
    severity: 'error',
    code: 'OPEN_RELAY',
    where: lineOf(plugin, engine)?.line.where ?? null,
    text: `the server is an open relay: RCPT TO:<${path}> from an outside address (${strangers.join(', ')}) was taken by plugin ${quoted(plugin)}`,
    hint,
  };
}

const TRUST = {
  // XCLIENT LOGIN makes a relay client of whoever says it.
  xclient_networks: { severity: 'error', deed: 'say by XCLIENT that it has logged in, and relay' },
  // Where only a proxy can reach the server, nothing is wrong yet.
  proxy_networks: { severity: 'warning', deed: 'say by a PROXY header that it is one of yours, and relay' },
} as const;

/** Lists of those who may say that they are somebody else. */
function trusted({ store }: CheckContext): Finding[] {
  return (['xclient_networks', 'proxy_networks'] as const).flatMap((name): Finding[] => {
    const networks = store.value(name);
    const strangers = STRANGERS.find((some) => some.every((ip) => networks.contains(ip)));
    if (strangers === undefined) return [];
    const [first] = store.lines(name) ?? [];
    const { severity, deed } = TRUST[name];
    const text = `the server ${severity === 'error' ? 'is' : 'may be'} an open relay: ${name} has outside addresses in it (${strangers.join(', ')}), so that everybody can ${deed}`;
    const hint = 'list the addresses of your proxies alone';
    return [{ severity, code: 'OPEN_RELAY', where: first?.where ?? null, text, hint }];
  });
}

async function passedOn(engine: Engine, ours: string): Promise<Finding[]> {
  const next = engine.lines.find(({ plugins }) => plugins.some(({ plugin }) => plugin.handsOn === true));
  if (next === undefined) return [];
  const taken: string[] = [];
  for (const path of inOurs(ours)) {
    if ((await askAll(path, STRANGERS[0] ?? [], engine)) !== null) taken.push(`<${path}>`);
  }
  if (taken.length === 0) return [];
  const finding: Finding = {
    severity: 'warning',
    code: 'ROUTED_ADDRESS',
    where: next.line.where,
    text: `strangers may write to ${taken.join(' and ')}, which plugin ${quoted(next.instance.id)} hands to another server: some, such as Postfix, pass it on to ${FOREIGN_DOMAIN}`,
    hint: 'load badrcptto before the plugin that takes recipients, with the lines % and ! and /@.*@/',
  };
  return [finding];
}

/** Plugins of others that have a say, and could not be asked. */
function unasked({ lines }: Engine): Finding[] {
  return lines
    .filter(({ hooks, plugins }) => {
      const unknown = plugins.filter(({ plugin, file }) => file !== null && plugin.sideEffects === undefined);
      return unknown.length > 0 && (hooks.includes('rcpt') || unknown.some(mayMakeRelayClients));
    })
    .map(({ instance, line }) => ({
      severity: 'info',
      code: 'NOT_ASKED',
      where: line.where,
      text: `whether plugin ${quoted(instance.id)} lets strangers relay is not known: it does not say whether asking it has side effects`,
      hint: 'give it sideEffects: false where it only decides; with sideEffects: true this is not said again, and it is yours to try',
    }));
}

/** At any hook before RCPT: only what the plugin is made of can tell. */
function mayMakeRelayClients({ file }: LoadedPlugin): boolean {
  try {
    return file !== null && readFileSync(file, 'utf8').includes('relayClient');
  } catch {
    return false;
  }
}

function noDomains({ engine, store }: CheckContext): Finding[] {
  const reader = engine.lines.find(
    ({ plugins, hooks }) =>
      hooks.includes('rcpt') && plugins.some(({ plugin }) => plugin.files?.['rcpthosts'] !== undefined),
  );
  // A line that makes no sense has been told, and may be meant for a domain.
  if (reader === undefined || (store.lines('rcpthosts') ?? []).length > 0) return [];
  if (store.map('morercpthosts') !== null || engine.chains.config.length > 0) return [];
  const finding: Finding = {
    severity: 'warning',
    code: 'NO_DOMAINS',
    where: reader.line.where,
    text: `rcpthosts names no domain: mail is taken for ${store.value('me')} (config/me) alone`,
    hint: 'write the domains that this server takes mail for into the file rcpthosts',
  };
  return [finding];
}

/** A domain that mail is taken for. */
function ownDomain({ store }: CheckContext): string {
  const [first = store.value('me')] = store.value('rcpthosts').toSorted((one, other) => {
    return Number(one.startsWith('.')) - Number(other.startsWith('.'));
  });
  return first.startsWith('.') ? `mx${first}` : first;
}

function lineOf(id: string, { lines }: Engine): LoadedLine | undefined {
  return lines.find(({ instance }) => instance.id === id);
}
