// `qpsmtpd check-config --show`: the configuration that is in effect, with the origin of each value.

import type { Engine } from '../../engine/engine.ts';
import { offersTo, quietEngine } from '../check/stranger.ts';
import { CommandError } from '../command.ts';
import { coreFacts } from './core-values.ts';
import type { Fact } from './facts.ts';
import { extensionFacts, queueFacts } from './mail-facts.ts';
import { hookFacts, pluginFacts } from './plugin-facts.ts';

const STRANGER = '192.0.2.1';

/**
 * Every fact, or those of some names: `databytes`, `queue/maildir`, `rcpt`, `DSN`.
 *
 * @throws CommandError for a name that nothing has
 */
export async function effectiveConfig(engine: Engine, names: readonly string[] = []): Promise<Fact[]> {
  const facts = [
    ...(await coreFacts(engine)),
    ...pluginFacts(engine),
    ...hookFacts(engine),
    ...queueFacts(engine),
    ...extensionFacts(engine, await offersTo(STRANGER, quietEngine(engine))),
  ];
  return names.length === 0 ? facts : names.flatMap((name) => factsAbout(name, facts));
}

function factsAbout(name: string, facts: readonly Fact[]): Fact[] {
  const found = facts.filter((fact) => fact.name === name || fact.name.split(' ').includes(name));
  if (found.length > 0) return found;
  throw new CommandError(`--show: there is no file, plugin, hook or extension "${name}"`);
}
