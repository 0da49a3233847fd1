// The words behind a plugin's name: options by place, by `key value` or by `key=value`, and the words that
// every line may have.

import { commentHint } from '../config/errors.ts';
import type { PluginLine } from '../config/plugin-lines.ts';
import { type LogLevel, logLevelOf, logLevels } from '../contract/codes.ts';
import { type Option, OptionError, type OptionSchema, option } from '../contract/options.ts';
import type { Plugin } from '../contract/plugin.ts';
import { badOption, missingOption, nearest, unknownOption } from './errors.ts';

/** What every line of config/plugins may say, unless the plugin has an option of that name itself. */
export const commonOptions = {
  ...option.reject(),
  loglevel: option.text({
    form: 'N|+N|-N',
    doc: 'level of all entries of this plugin, or a shift of their levels',
  }),
  hook_timeout: option.number({
    min: 0,
    doc: 'seconds that a handler of this plugin may take, 0 = any time',
  }),
  timeout: option.number({
    min: 0,
    doc: 'the same as hook_timeout, where the plugin has no option of that name',
  }),
  on_error: option.oneOf(['open', 'defer', 'deny'], {
    doc: 'what a failure of the plugin means: as if it were not there, refuse for now, refuse for good',
  }),
} satisfies OptionSchema;

export interface ParsedWords {
  /** of the plugin's own options */
  readonly values: Readonly<Record<string, unknown>>;
  /** of the common ones, only those that stand on the line */
  readonly common: { readonly [K in keyof typeof commonOptions]?: unknown };
  /** whether the line has an option, and its value is no default */
  has(option: string): boolean;
  /** options that stand on the line, as they are written there */
  readonly texts: ReadonlyMap<string, string>;
}

/** @throws ConfigError naming the line */
export function parseWords(line: PluginLine, plugin: Plugin): ParsedWords {
  const own: OptionSchema = plugin.options ?? {};
  const texts = new Map<string, string>();
  const given = assign(line, plugin, { ...commonOptions, ...own }, texts);
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(own)) {
    if (spec.required && !given.has(key)) throw missingOption(line.where, line.name, key, spec.form);
    values[key] = given.has(key) ? given.get(key) : spec.default;
  }
  const common: Record<string, unknown> = {};
  for (const key of Object.keys(commonOptions)) {
    if (!Object.hasOwn(own, key) && given.has(key)) common[key] = given.get(key);
  }
  return { values, common, has: (name) => given.has(name), texts };
}

function assign(
  line: PluginLine,
  plugin: Plugin,
  schema: OptionSchema,
  texts: Map<string, string>,
): Map<string, unknown> {
  const given = new Map<string, unknown>();
  const take = (key: string, spec: Option<unknown>, first: string, close: string | null = null) => {
    const text = spec.rest ? restOf(line, words.splice(0), key, spec, first) : first;
    const value = parse(line, key, spec, text, close);
    const before = texts.get(key);
    texts.set(key, spec.repeats && before !== undefined ? `${before} ${text}` : text);
    given.set(key, spec.repeats ? [given.get(key) ?? [], value].flat() : value);
  };
  const places = [...(plugin.positional ?? [])];
  const words = [...line.words];
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const equals = word.indexOf('=');
    const key = equals > 0 ? word.slice(0, equals) : word;
    const named = Object.hasOwn(schema, key) ? schema[key] : undefined;
    if (named !== undefined) {
      const text = equals > 0 ? word.slice(equals + 1) : words.shift();
      if (text === undefined)
        throw badOption(line.where, line.name, key, `a value (${named.form}) is missing`);
      take(key, named, text);
      continue;
    }
    const close = nearest(key, Object.keys(schema));
    const place = places.find((name) => !given.has(name));
    const spec = place === undefined ? undefined : schema[place];
    if (place === undefined || spec === undefined) {
      throw unknownOption(line.where, line.name, word, { close, own: Object.keys(plugin.options ?? {}) });
    }
    take(place, spec, word, close);
  }
  return given;
}

/** All words that are left, from the first value on. */
function restOf(
  line: PluginLine,
  others: readonly string[],
  key: string,
  spec: Option<unknown>,
  first: string,
): string {
  if (spec.verbatim !== true) return [first, ...others].join(' ');
  const rest = line.rests.at(-1 - others.length) ?? '';
  return rest.startsWith(`${key}=`) ? rest.slice(key.length + 1) : rest;
}

function parse(
  line: PluginLine,
  key: string,
  spec: Option<unknown>,
  text: string,
  close: string | null,
): unknown {
  try {
    return spec.parse(text);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const hint = close === null ? commentHint(text) : `did you mean the option "${close}"?`;
    throw badOption(line.where, line.name, key, error.message, hint);
  }
}

/** `loglevel N` gives all entries that level; `+N` and `-N` shift them (qpsmtpd: adjust_log_level). */
export function levelAdjuster(line: PluginLine, text: unknown): (level: LogLevel) => LogLevel {
  if (typeof text !== 'string') return (level) => level;
  const [, sign, digit] = /^([+-]?)([0-7])$/.exec(text) ?? [];
  if (digit === undefined) {
    throw badOption(
      line.where,
      line.name,
      'loglevel',
      `"${text}" is none of N, +N and -N with N from 0 to 7`,
    );
  }
  const number = Number(digit);
  if (sign === '') return () => logLevelOf(number);
  return (level) => logLevelOf(logLevels[level] + (sign === '+' ? number : -number));
}
