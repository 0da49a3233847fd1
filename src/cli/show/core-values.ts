// The core's configuration files as they count now, each value with its origin.

import { ConfigError } from '../../config/errors.ts';
import { type KnownFileName, knownFileNames, knownFiles } from '../../config/known-files.ts';
import type { Lines } from '../../config/readings.ts';
import type { Engine } from '../../engine/engine.ts';
import { VerdictLog } from '../../message/verdict-log.ts';
import { byDefault, type Fact, fromFile, type Origin } from './facts.ts';

/** Files of the core for which plugins with a hook `config` are asked first; all others are read as they lie there. */
export const askedOfHooks: readonly KnownFileName[] = [
  'me',
  'smtpgreeting',
  'databytes',
  'tls_before_auth',
  'queue_routes',
];

export async function coreFacts(engine: Engine): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const name of knownFileNames) facts.push(...(await factsOf(name, engine)));
  return facts;
}

async function factsOf(name: KnownFileName, engine: Engine): Promise<Fact[]> {
  const { store } = engine;
  const given = askedOfHooks.includes(name) ? await askHooks(name, engine) : null;
  if (given !== null) {
    return given.lines.map((value) => ({ kind: 'config', name, value, origin: given.origin }));
  }
  const lines = store.lines(name) ?? [];
  if (lines.length === 0 || !isGood(name, lines, engine)) {
    return [{ kind: 'config', name, value: defaultText(name, engine), origin: byDefault }];
  }
  const counting = knownFiles[name].kind === 'value' ? lines.slice(0, 1) : lines;
  return counting.map(({ text, where }) => {
    const value = store.value(name);
    const isText = knownFiles[name].kind === 'value' && typeof value === 'string';
    return {
      kind: 'config',
      name,
      value: isText ? value : shownLine(name, text),
      origin: where.line === undefined ? fromStart(name) : fromFile(where),
    };
  });
}

/** Of a plugin line the name: its options may be secret, and are shown one by one as far as they are not. */
function shownLine(name: KnownFileName, text: string): string {
  return name === 'plugins' || name === 'logging' ? text.replace(/\s.*$/s, '') : text;
}

/** What has no line came with the process: assemble.makeStore takes it from the environment. */
function fromStart(name: KnownFileName): Origin {
  return { from: 'environment', variable: name.toUpperCase() };
}

/** A value that makes no sense does not count. */
function isGood(name: KnownFileName, lines: Lines, { store }: Engine): boolean {
  try {
    store.parsed(name, lines);
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

/** As the manual has it, but for names and paths, which are made of this host's own. */
function defaultText(name: KnownFileName, { store }: Engine): string {
  const value = store.value(name);
  return typeof value === 'string' ? value : knownFiles[name].shownDefault;
}

async function askHooks(
  name: KnownFileName,
  { dispatcher, chains, store }: Engine,
): Promise<{ readonly lines: readonly string[]; readonly origin: Origin } | null> {
  if (chains.config.length === 0) return null;
  const verdicts = new VerdictLog();
  const given = await dispatcher.ask('config', { connection: null, transaction: null, verdicts }, name);
  if (!('value' in given)) return null;
  try {
    store.parsed(
      name,
      given.value.map((text) => ({ text, where: { file: name } })),
    );
  } catch {
    return null;
  }
  const by = chains.config.find(({ plugin }) => verdicts.codeOf(plugin, 'config') === given.code);
  return { lines: given.value, origin: { from: 'hook', plugin: by?.plugin ?? 'unknown' } };
}
