// Every way in which a plugin line or a plugin file can be wrong, one function each.

import { ConfigError, quoted, type Where } from '../config/errors.ts';

export function unknownPlugin(where: Where, name: string, dirs: readonly string[], close: string | null) {
  const looked = dirs.length === 0 ? '' : ` or lies under ${dirs.join(', ')}`;
  const hint = close === null ? null : `did you mean "${close}"?`;
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

export function unknownOption(where: Where, name: string, word: string, close: string | null) {
  const hint = close === null ? null : `did you mean "${close}"?`;
  return new ConfigError(
    'UNKNOWN_OPTION',
    where,
    `plugin ${quoted(name)} has no option ${quoted(word)}`,
    hint,
  );
}

export function badOption(where: Where, name: string, option: string, reason: string) {
  return new ConfigError('BAD_OPTION', where, `plugin ${quoted(name)}, option ${option}: ${reason}`);
}

export function missingOption(where: Where, name: string, option: string, form: string) {
  return new ConfigError('MISSING_OPTION', where, `plugin ${quoted(name)} needs ${option} ${form}`);
}

export function failedSetup(where: Where, name: string, reason: string) {
  return new ConfigError('FAILED_SETUP', where, `plugin ${quoted(name)} cannot be set up: ${reason}`);
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

/** The known name that is nearest to a mistyped one; null when none is near. */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
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
