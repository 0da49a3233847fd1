// Kinds of core configuration files: one value on the first line, or a list. Each is an object from which the
// store, check-config and the manual take what they need.

import { isDomainOrLiteral } from '../protocol/address.ts';
import type { ConfigLine } from './config-file.ts';
import { badValue, extraLine, type Finding, findingOf, findingOfThrown } from './errors.ts';

/** What some defaults are made of. */
export interface Surroundings {
  /** name of this host */
  readonly hostname: string;
  /** home folder of the user that the daemon runs as, without a slash at its end */
  readonly home: string;
}

export interface KnownFile<T> {
  readonly kind: 'value' | 'list';
  /** how a line is written, for the manual */
  readonly form: string;
  readonly doc: string;
  /** value of a missing or empty file, as written in the manual */
  readonly shownDefault: string;
  default(around: Surroundings): T;
  /** @throws ConfigError for the first line that may not stand there */
  parse(lines: readonly ConfigLine[], around: Surroundings): T;
  /** everything that is wrong with the lines; whatever makes parse throw is an error here */
  check(lines: readonly ConfigLine[], around: Surroundings): Finding[];
}

interface Described {
  readonly doc: string;
  readonly shownDefault?: string;
}

interface ValueSpec<T> {
  readonly form: string;
  readonly doc: string;
  readonly shownDefault: string;
  readonly default: (around: Surroundings) => T;
  /** end of the sentence "TEXT is not …" */
  readonly allowed: string;
  /** undefined when the text is not allowed */
  readonly read: (text: string, around: Surroundings) => T | undefined;
}

/** A file of one value. */
export function value<T>({ read, allowed, ...spec }: ValueSpec<T>): KnownFile<T> {
  const parse = (lines: readonly ConfigLine[], around: Surroundings): T => {
    const [first] = lines;
    if (first === undefined) return spec.default(around);
    const found = read(first.text, around);
    if (found === undefined) throw badValue(first.where, first.text, allowed);
    return found;
  };
  const extra = ({ where }: ConfigLine) => findingOf(extraLine(where), 'warning');
  return {
    kind: 'value',
    ...spec,
    parse,
    check: (lines, around) => [...failureOf(() => parse(lines, around)), ...lines.slice(1).map(extra)],
  };
}

interface ListSpec<T> extends Described {
  readonly form: string;
  /** @throws ConfigError */
  readonly read: (line: ConfigLine, around: Surroundings) => T;
}

/** A file of any number of lines that do not depend on each other. */
export function list<T>({ read, shownDefault = 'none', ...spec }: ListSpec<T>): KnownFile<readonly T[]> {
  return {
    kind: 'list',
    ...spec,
    shownDefault,
    default: () => [],
    parse: (lines, around) => lines.map((line) => read(line, around)),
    check: (lines, around) => lines.flatMap((line) => failureOf(() => read(line, around))),
  };
}

/** What a function throws, as a finding. */
export function failureOf(run: () => unknown): Finding[] {
  try {
    run();
    return [];
  } catch (error) {
    return [findingOfThrown(error)];
  }
}

/** A whole number; null as default where the file may be missing for good. */
export function integer<D extends number | null>(
  spec: Described & { unit: string; default: D; min?: number; max?: number },
): KnownFile<number | D> {
  const { unit, min = 0, max = Number.MAX_SAFE_INTEGER, doc, shownDefault = String(spec.default) } = spec;
  const above = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
  return value<number | D>({
    form: unit,
    doc,
    shownDefault,
    default: () => spec.default,
    allowed: `a whole number (${unit.toLowerCase()}) of at least ${min}${above}`,
    read: (text) => {
      const number = Number(text);
      return /^\d+$/.test(text) && number >= min && number <= max ? number : undefined;
    },
  });
}

/** A host name or address literal. */
export function hostName<D extends string | null>(
  spec: Described & { form?: string; shownDefault: string; default: (around: Surroundings) => D },
): KnownFile<string | D> {
  return value<string | D>({
    form: 'HOST',
    ...spec,
    allowed: 'a host name',
    read: (text) => (isDomainOrLiteral(text) ? text : undefined),
  });
}

/** `~/` is the home of the daemon's own user; those of others are not looked up. */
export function readFolder(text: string, { home }: Surroundings): string | undefined {
  const path = text === '~' || text.startsWith('~/') ? home + text.slice(1) : text;
  if (path.startsWith('~')) return undefined;
  return path.replace(/(?<=.)\/+$/, '');
}

export const folderAllowed = 'a folder that can be found: "~" stands for the own home only, as in ~/tmp';
