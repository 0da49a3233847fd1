// The configuration in memory. A file is read when it is first asked for and looked at again at most once a
// second, so that an edit counts without a restart, as in qpsmtpd, and a hook costs no file access. A change for
// the worse never counts: what cannot be read or makes no sense leaves the last good state in use.

import { type Cached, type Fresh, refresh } from './cached-file.ts';
import type { Cdb } from './cdb.ts';
import { type ConfigDirs, examine } from './config-dir.ts';
import { type Finding, findingOf, findingOfThrown, missingFolder } from './errors.ts';
import type { Surroundings } from './file-types.ts';
import { type KnownFileName, type KnownValue, knownFileNames, knownFiles } from './known-files.ts';
import { isSameLines, type Lines, readLines, readMap } from './readings.ts';

export interface StoreSettings {
  readonly dirs: ConfigDirs;
  readonly clock: { monotonic(): number };
  /** told of each mistake once, and again only after a change */
  readonly report: (finding: Finding) => void;
  /** default of `me` */
  readonly hostname: string;
  /** what "~/" stands for */
  readonly home: string;
  /** text that goes before a file of that name, such as `databytes` from the environment */
  readonly overrides?: Partial<Record<string, string>>;
}

interface KnownState {
  readonly lines: Lines | null;
  readonly value: unknown;
}

const LOOK_AGAIN_AFTER = 1000;
// Names of files that are not there may be made of what clients send: they are forgotten above this number.
const MOST_NAMES = 4096;

export class ConfigStore {
  readonly dirs: ConfigDirs;
  readonly #clock: { monotonic(): number };
  readonly #report: (finding: Finding) => void;
  readonly #around: Surroundings;
  readonly #overrides: ReadonlyMap<string, Lines>;
  readonly #files = new Map<string, Cached<Lines>>();
  readonly #maps = new Map<string, Cached<Cdb>>();
  readonly #values = new Map<KnownFileName, KnownState>();

  constructor({ dirs, clock, report, hostname, home, overrides = {} }: StoreSettings) {
    this.dirs = dirs;
    this.#clock = clock;
    this.#report = report;
    this.#around = { hostname, home };
    this.#overrides = new Map(Object.entries(overrides).flatMap(overrideLines));
  }

  /** The same array as long as nothing has changed; null when no folder has the file. */
  lines(name: string): Lines | null {
    const known = this.#files.get(name);
    if (known !== undefined && this.#isRecent(known)) return known.content;
    return this.#overrides.get(name) ?? this.#look(this.#files, name, readLines, isSameLines);
  }

  /** The constant database `NAME.cdb`; null when no folder has it. The same object until the file changes. */
  map(name: string): Cdb | null {
    const known = this.#maps.get(name);
    if (known !== undefined && this.#isRecent(known)) return known.content;
    return this.#look(this.#maps, name, readMap, Object.is);
  }

  /** What a core file says, or its default. A value that makes no sense is reported; the last good one stays. */
  value<N extends KnownFileName>(name: N): KnownValue<N> {
    const lines = this.lines(name);
    const known = this.#values.get(name);
    if (known !== undefined && known.lines === lines) return known.value as KnownValue<N>;
    const { value, findings } = this.#parse(name, lines, known);
    // In place before anything is reported: whoever is told may ask for this very file.
    this.#values.set(name, { lines, value });
    for (const finding of findings) this.#report(finding);
    return value as KnownValue<N>;
  }

  /** What lines from elsewhere, such as a config hook, say as this file. @throws ConfigError */
  parsed<N extends KnownFileName>(name: N, lines: Lines): KnownValue<N> {
    return knownFiles[name].parse(lines, this.#around) as KnownValue<N>;
  }

  /** Lets the next look-up of every file look at the disk, for a reload that must see an edit just made. */
  expire(): void {
    for (const cached of [...this.#files.values(), ...this.#maps.values()]) cached.checkedAt = -Infinity;
  }

  /** Reads every known file anew and gives all that is wrong; nothing is reported, and nothing in use changes. */
  checkAll(): Finding[] {
    const absent = this.dirs.all.filter((dir) => examine(dir)?.kind !== 'folder');
    // With no folder at all, every file would be its default: the name of the only one is mistyped.
    const severity = absent.length === this.dirs.all.length ? 'error' : 'warning';
    const missing = absent.map((dir) => findingOf(missingFolder(dir), severity));
    return [...missing, ...knownFileNames.flatMap((name) => this.#checkFile(name))];
  }

  #isRecent({ checkedAt }: { checkedAt: number }): boolean {
    return this.#clock.monotonic() - checkedAt <= LOOK_AGAIN_AFTER;
  }

  #checkFile(name: KnownFileName): Finding[] {
    const given = this.#overrides.get(name);
    if (given !== undefined) return knownFiles[name].check(given, this.#around);
    const { content, findings } = readLines(name, this.dirs);
    return content === null ? [] : [...findings, ...knownFiles[name].check(content, this.#around)];
  }

  #look<T>(
    cells: Map<string, Cached<T>>,
    name: string,
    read: (name: string, dirs: ConfigDirs) => Fresh<T>,
    isSame: (one: T, other: T) => boolean,
  ): T | null {
    const now = this.#clock.monotonic();
    const { cached, findings } = refresh(cells.get(name), now, () => read(name, this.dirs), isSame);
    if (cells.size >= MOST_NAMES && !cells.has(name)) forgetAbsent(cells);
    // As in value(): in place before anything is reported.
    cells.set(name, cached);
    for (const finding of findings) this.#report(finding);
    return cached.content;
  }

  #parse(name: KnownFileName, lines: Lines | null, before: KnownState | undefined) {
    const file = knownFiles[name];
    if (lines === null) return { value: file.default(this.#around), findings: [] };
    const findings = file.check(lines, this.#around);
    try {
      return { value: file.parse(lines, this.#around), findings };
    } catch (error) {
      // Only to pass on defects of ours: what makes parse throw is among the findings of check.
      findingOfThrown(error);
      return { value: before === undefined ? file.default(this.#around) : before.value, findings };
    }
  }
}

function overrideLines([name, text]: [string, string | undefined]): [string, Lines][] {
  if (text === undefined) return [];
  const where = { file: `${name} (given at start)` };
  const lines = text
    .split('\n')
    .map((line) => ({ text: line.trim(), where }))
    .filter((line) => line.text !== '');
  return [[name, lines]];
}

function forgetAbsent<T>(cells: Map<string, Cached<T>>): void {
  for (const [name, { content }] of cells) {
    if (content === null) cells.delete(name);
  }
}
