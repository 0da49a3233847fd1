// Every way in which a plugin line or a plugin file can be wrong, one function each.

import { ConfigError, commentHint, quoted, type Where } from '../config/errors.ts';
import type { PluginLine } from '../config/plugin-lines.ts';

export function unknownPlugin(where: Where, name: string, dirs: readonly string[], hint: string | null) {
  const looked = dirs.length === 0 ? '' : ` or lies under ${dirs.join(', ')}`;
  return new ConfigError('UNKNOWN_PLUGIN', where, `no plugin ${quoted(name)} is built in${looked}`, hint);
}

export function perlPlugin(where: Where, name: string, file: string) {
  const sentence = `plugin ${quoted(name)}: ${file} is a Perl plugin, which this server cannot run`;
  return new ConfigError('PERL_PLUGIN', where, sentence, `write it as ${name}.ts or ${name}.js beside it`);
}

export function unloadablePlugin(where: Where, file: string, reason: string, hint: string | null) {
  return new ConfigError('UNLOADABLE_PLUGIN', where, `plugin ${file} cannot be loaded: ${reason}`, hint);
}

export function notAPlugin(where: Where, name: string, what: string) {
  const hint = 'a plugin file says: export default definePlugin({ name, summary, setup })';
  return new ConfigError('NOT_A_PLUGIN', where, `plugin ${quoted(name)} ${what}`, hint);
}

export function unknownHook(where: Where, name: string, hook: string, close: string | null) {
  const hint = close === null ? null : `did you mean "${close}"?`;
  return new ConfigError(
    'UNKNOWN_HOOK',
    where,
    `plugin ${quoted(name)} registers for ${quoted(hook)}, which is no hook`,
    hint,
  );
}

/** @param own the plugin's options, without those that every line may have */
export function unknownOption(
  where: Where,
  name: string,
  word: string,
  { close, own }: { readonly close: string | null; readonly own: readonly string[] },
) {
  const known = own.length === 0 ? 'it has no options of its own' : `its own options: ${own.join(', ')}`;
  const hint = commentHint(word) ?? (close === null ? known : `did you mean "${close}"?`);
  return new ConfigError(
    'UNKNOWN_OPTION',
    where,
    `plugin ${quoted(name)} has no option ${quoted(word)}`,
    hint,
  );
}

export function badOption(
  where: Where,
  name: string,
  option: string,
  reason: string,
  hint: string | null = null,
) {
  return new ConfigError('BAD_OPTION', where, `plugin ${quoted(name)}, option ${option}: ${reason}`, hint);
}

export function missingOption(where: Where, name: string, option: string, form: string) {
  return new ConfigError('MISSING_OPTION', where, `plugin ${quoted(name)} needs ${option} ${form}`);
}

export function failedSetup({ where, name, words }: PluginLine, reason: string) {
  const sentence = `plugin ${quoted(name)} cannot be set up: ${reason}`;
  return new ConfigError('FAILED_SETUP', where, sentence, commentHint(words.join(' ')));
}

export function noQueuePlugin(where: Where, name: string) {
  return new ConfigError(
    'NO_QUEUE_PLUGIN',
    where,
    `plugin ${quoted(name)} takes no messages: it has no hook queue`,
  );
}

export function circularExtends(where: Where, chain: readonly string[]) {
  return new ConfigError(
    'CIRCULAR_EXTENDS',
    where,
    `plugins extend each other in a circle: ${chain.join(' -> ')}`,
  );
}

export function unknownTarget(where: Where, target: string, isLoaded: boolean, queues: readonly string[]) {
  const sentence = isLoaded
    ? `plugin ${quoted(target)} takes no messages: it has no hook queue`
    : `no line of plugins is named ${quoted(target)}`;
  const close = nearest(target, queues);
  const hint =
    close === null ? `those that take messages: ${queues.join(', ') || 'none'}` : `did you mean "${close}"?`;
  return new ConfigError('UNKNOWN_TARGET', where, sentence, hint);
}

export function allQueuesRouted(where: Where, first: string) {
  return new ConfigError(
    'ALL_QUEUES_ROUTED',
    { file: where.file },
    `every queue plugin is named here: recipients without a route are offered to all of them, ${quoted(first)} first`,
    'a line "* PLUGIN" says where they go',
  );
}

/**
 * The known name that is nearest to a mistyped one; null when none is near.
 *
 * @param most letters that may be wrong
 */
export function nearest(
  name: string,
  known: Iterable<string>,
  most = Math.max(2, Math.floor(name.length / 3)),
): string | null {
  let best: string | null = null;
  let least = most + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
