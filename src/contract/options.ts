// Options of a plugin line: how a word is read, what it is when it is missing, and what the manual says of
// it, in one object beside the code that uses it. check-config and the man page read the same object.

import type { Denial } from './codes.ts';

/** What is wrong with the words of a plugin line; the engine adds file and line. */
export class OptionError extends Error {}

export interface Option<T> {
  /** how the value is written, for messages and the manual: `N`, `yes|no` */
  readonly form: string;
  readonly doc: string;
  readonly required: boolean;
  /** takes all words that are left on the line */
  readonly rest: boolean;
  /** with `rest`: takes them as they are written, double quotes and all */
  readonly verbatim?: boolean;
  /** may stand on the line more than once: the value is a list, to which each time adds */
  readonly repeats?: boolean;
  /** a password or the like: check-config --show does not print it */
  readonly secret?: boolean;
  /** value of a missing option, as written in the manual */
  readonly shownDefault: string;
  readonly default: T;
  /** @throws OptionError naming the rule that `text` breaks */
  parse(text: string): T;
}

export type OptionSchema = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends OptionSchema> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

interface Spec<T> {
  readonly doc: string;
  readonly default?: T;
  readonly required?: boolean;
  readonly secret?: boolean;
}

/** Without a default and not required, an option may be undefined. */
type Given<S, T> = S extends { default: T } ? T : S extends { required: true } ? T : T | undefined;

function make<T, S extends Spec<T>>(
  form: string,
  spec: S,
  parse: (text: string) => T,
  show: (value: T) => string = String,
): Option<Given<S, T>> {
  return {
    form,
    doc: spec.doc,
    required: spec.required ?? false,
    rest: false,
    ...(spec.secret && { secret: true }),
    shownDefault: spec.default === undefined ? '' : show(spec.default),
    default: spec.default as Given<S, T>,
    parse: parse as (text: string) => Given<S, T>,
  };
}

function parseFlag(text: string): boolean {
  if (/^(?:1|yes|on|true)$/i.test(text)) return true;
  if (/^(?:0|no|off|false)$/i.test(text)) return false;
  throw new OptionError(`"${text}" is neither yes nor no`);
}

export type RejectMode = 'off' | 'on' | 'naughty';

function parseRejectMode(text: string): RejectMode {
  const word = text.toLowerCase();
  if (word === 'naughty') return 'naughty';
  if (/^(?:0|no|off|false)$/.test(word)) return 'off';
  if (/^(?:[1-9]\d*|yes|on|true)$/.test(word)) return 'on';
  throw new OptionError(`"${text}" is none of 0, 1 and naughty`);
}

export const rejectTypes = ['perm', 'hard', 'temp', 'soft', 'disconnect', 'temp_disconnect'] as const;
export type RejectType = (typeof rejectTypes)[number];

/** The kind of refusal that a word of `reject_type` stands for. */
export const codeOfRejectType: Readonly<Record<RejectType, Denial>> = {
  perm: 'DENY',
  hard: 'DENY',
  temp: 'DENYSOFT',
  soft: 'DENYSOFT',
  disconnect: 'DENY_DISCONNECT',
  temp_disconnect: 'DENYSOFT_DISCONNECT',
};

function oneOf<const W extends string, const S extends Spec<W>>(words: readonly W[], spec: S) {
  return make<W, S>(words.join('|'), spec, (text) => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new OptionError(`"${text}" is none of ${words.join(', ')}`);
    return found;
  });
}

/** Constructors of options: `option.integer({ default: 4, doc: '…' })`. */
export const option = {
  /** a whole number, from `min` to `max` where they are given */
  integer<const S extends Spec<number> & { min?: number; max?: number }>(spec: S) {
    const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = spec;
    return make<number, S>('N', spec, (text) => {
      const value = Number(text);
      if (!/^[+-]?\d+$/.test(text)) throw new OptionError(`"${text}" is not a whole number`);
      if (value < min || value > max) throw new OptionError(`${text} is not between ${min} and ${max}`);
      return value;
    });
  },
  /** a number, which may have a decimal point */
  number<const S extends Spec<number> & { min?: number }>(spec: S) {
    const { min = -Infinity } = spec;
    return make<number, S>('N', spec, (text) => {
      if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)) throw new OptionError(`"${text}" is not a number`);
      if (Number(text) < min) throw new OptionError(`${text} is less than ${min}`);
      return Number(text);
    });
  },
  /** yes or no, in all the words for it: 1, on, true, 0, off, false */
  flag<const S extends Spec<boolean>>(spec: S) {
    return make<boolean, S>('yes|no', spec, parseFlag, (value) => (value ? 'yes' : 'no'));
  },
  /** `oneOf(['lf', 'crlf'], { default: 'lf', doc: '…' })`; upper and lower case are the same on the line */
  oneOf,
  /** given once for each word that is meant: `check-at CONNECT check-at DATA` */
  someOf<const W extends string>(
    words: readonly W[],
    spec: { doc: string; default: readonly W[] },
  ): Option<readonly W[]> {
    const one = oneOf(words, { doc: spec.doc, required: true });
    const parse = (text: string) => [one.parse(text)];
    const shownDefault = spec.default.join(', ');
    return { ...one, required: false, repeats: true, default: spec.default, shownDefault, parse };
  },
  /** any text; `form` says how it looks in the manual */
  text<const S extends Spec<string> & { form?: string }>(spec: S) {
    return make<string, S>(spec.form ?? 'TEXT', spec, (text) => text);
  },
  /** a file or folder; a relative one begins at the folder that the server was started in */
  path<const S extends Spec<string>>(spec: S) {
    return make<string, S>('PATH', spec, (text) => {
      if (text === '' || text.includes('\0')) throw new OptionError(`"${text}" is not a path`);
      return text;
    });
  },
  /** file permissions in octal digits, such as 0770 */
  mode<const S extends Spec<number>>(spec: S) {
    const show = (value: number) => `0${value.toString(8)}`;
    const parse = (text: string) => {
      if (!/^[0-7]{3,4}$/.test(text)) throw new OptionError(`"${text}" is not a mode in octal digits`);
      return Number.parseInt(text, 8);
    };
    return make<number, S>('MODE', spec, parse, show);
  },
  /** all words left on the line */
  words(spec: { doc: string; form?: string }): Option<readonly string[]> {
    const base = make<readonly string[], { doc: string; default: readonly string[] }>(
      spec.form ?? 'WORD…',
      { doc: spec.doc, default: [] },
      (text) => text.split(/\s+/).filter((word) => word !== ''),
      () => '',
    );
    return { ...base, rest: true };
  },
  /** `reject` and `reject_type`, obeyed by `at.reject()` */
  reject(spec: { default?: RejectMode; type?: RejectType } = {}) {
    const mode: RejectMode = spec.default ?? 'on';
    const type: RejectType = spec.type ?? 'perm';
    return {
      reject: make<RejectMode, { doc: string; default: RejectMode }>(
        '0|1|naughty',
        { default: mode, doc: 'refuse at once, mark the connection for the naughty plugin, or only log' },
        parseRejectMode,
        (value) => ({ off: '0', on: '1', naughty: 'naughty' })[value],
      ),
      reject_type: oneOf(rejectTypes, {
        default: type,
        doc: 'how to refuse: for good, for now, and whether to hang up',
      }),
    };
  },
};
