// Arguments of a subcommand, read strictly: an unknown option is an error, and an option may be repeated. citty
// prints the usage from the same definitions.

import { parseArgs } from 'node:util';
import type { ArgDef, ArgsDef } from 'citty';

/** The caller's mistake on the command line. */
export class UsageError extends Error {}

export interface Arguments {
  /** the last value given */
  text(name: string): string | undefined;
  /** all values given, in order */
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** a whole number from 0. @throws UsageError */
  count(name: string, fallback: number): number;
  readonly positionals: readonly string[];
}

/** @throws UsageError */
export function readArguments(definitions: ArgsDef, rawArgs: readonly string[]): Arguments {
  const named = Object.entries(definitions).filter(([, { type }]) => type !== 'positional');
  const options = Object.fromEntries(
    named.map(([name, definition]) => [name, { ...optionOf(definition), ...shortOf(definition) }]),
  );
  const takesWords = named.length < Object.keys(definitions).length;
  const { values, positionals } = parse(options, rawArgs, takesWords);
  const texts = (name: string): readonly string[] => {
    const value = values[name];
    return Array.isArray(value) ? value.map(String) : [];
  };
  return {
    texts,
    text: (name) => texts(name).at(-1),
    flag: (name) => values[name] === true,
    count(name, fallback) {
      const text = texts(name).at(-1);
      if (text === undefined) return fallback;
      if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} ${text}: a whole number is needed`);
      return Number(text);
    },
    positionals,
  };
}

type Option = ({ type: 'boolean' } | { type: 'string'; multiple: true }) & { short?: string };

function optionOf({ type }: ArgDef): Option {
  return type === 'boolean' ? { type } : { type: 'string', multiple: true };
}

function shortOf(definition: ArgDef): { short?: string } {
  const alias = 'alias' in definition ? definition.alias : undefined;
  return typeof alias === 'string' && alias.length === 1 ? { short: alias } : {};
}

function parse(options: Record<string, Option>, rawArgs: readonly string[], allowPositionals: boolean) {
  try {
    return parseArgs({ args: [...rawArgs], options, allowPositionals, strict: true });
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new UsageError(sentence);
  }
}
