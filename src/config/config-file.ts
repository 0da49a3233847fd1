// A configuration file to lines: blank lines and comments dropped, `$include` followed, every line with its
// place. As qpsmtpd reads them, except that a circular include costs only itself and every loss is reported.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigDirs, type Examined, examine, readPlainFile } from './config-dir.ts';
import {
  badInclude,
  type ConfigError,
  circularInclude,
  controlByte,
  type Finding,
  findingOf,
  missingInclude,
  notUtf8,
  type Severity,
  tooManyIncludes,
  unreadableFile,
  type Where,
} from './errors.ts';

export interface ConfigLine {
  /** without blanks around it */
  readonly text: string;
  readonly where: Where;
}

/** A path that a reading depended on; the stamp is null where nothing was there. */
export interface Source {
  readonly path: string;
  readonly stamp: string | null;
}

/** One reading of a file with all its includes. */
export interface Reading {
  readonly lines: readonly ConfigLine[];
  /** when none of them has changed, another reading would give the same */
  readonly sources: readonly Source[];
  readonly findings: readonly Finding[];
  /** false when a file or folder could not be read, so that lines are missing */
  readonly complete: boolean;
}

// Includes that double at each level would otherwise keep the reader busy for ever.
const MOST_FILES = 10_000;

/** Lines of the file at `path` and of what it includes. What is wrong is reported; what is readable is kept. */
export function readConfigFile(
  path: string,
  dirs: ConfigDirs,
  report: (finding: Finding) => void,
): ConfigLine[] {
  const { lines, findings } = readWithSources(path, dirs);
  for (const finding of findings) report(finding);
  return [...lines];
}

/** As readConfigFile, with what a later look needs in order to tell whether anything has changed. */
export function readWithSources(path: string, dirs: ConfigDirs): Reading {
  const reader = new Reader(dirs);
  reader.readFile(path, [], null);
  const sources = Array.from(reader.stamps, ([source, stamp]) => ({ path: source, stamp }));
  return { lines: reader.lines, sources, findings: reader.findings, complete: reader.complete };
}

class Reader {
  readonly lines: ConfigLine[] = [];
  readonly findings: Finding[] = [];
  /** path to stamp; the first one counts, so that a change while reading is seen at the next look */
  readonly stamps = new Map<string, string | null>();
  complete = true;
  #files = 0;
  readonly #dirs: ConfigDirs;

  constructor(dirs: ConfigDirs) {
    this.#dirs = dirs;
  }

  /** @param above the files that are being read, from the first to the one that includes this */
  readFile(path: string, above: readonly string[], from: Where | null): void {
    this.#examine(path);
    const text = this.#attempt(path, from, () => readPlainFile(path).toString('utf8'));
    if (text === null) return;
    const chain = [...above, path];
    for (const [at, raw] of text.split('\n').entries()) {
      const line = raw.trim();
      if (line !== '' && line[0] !== '#') this.#readLine(line, { file: path, line: at + 1 }, chain);
    }
  }

  #readLine(line: string, where: Where, chain: readonly string[]): void {
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) {
      this.#report(controlByte(where));
      return;
    }
    if (line.includes('\ufffd')) this.#report(notUtf8(where), 'warning');
    if (!/^\$include(?:\s|$)/.test(line)) {
      this.lines.push({ text: line, where });
      return;
    }
    const name = /^\$include\s+(\S+)$/.exec(line)?.[1];
    if (name === undefined) this.#report(badInclude(where, line));
    else this.#include(name, where, chain);
  }

  #include(name: string, where: Where, chain: readonly string[]): void {
    for (const path of name.startsWith('/') ? [name] : this.#dirs.candidates(name)) {
      const found = this.#examine(path);
      if (found === null) continue;
      if (found.kind === 'folder') this.#includeFolder(path, where, chain);
      else this.#includeFile(path, found, where, chain);
      return;
    }
    this.#report(missingInclude(where, name), 'warning');
  }

  #includeFolder(folder: string, where: Where, chain: readonly string[]): void {
    const names = this.#attempt(folder, where, () => readdirSync(folder)) ?? [];
    for (const name of names.sort()) {
      if (name.startsWith('.')) continue;
      const path = join(folder, name);
      const found = this.#examine(path);
      if (found?.kind === 'file') this.#includeFile(path, found, where, chain);
    }
  }

  #includeFile(path: string, found: Examined, where: Where, chain: readonly string[]): void {
    if (chain.some((file) => file === path || isSameFile(examine(file), found))) {
      this.#report(circularInclude(where, [...chain, path]));
      return;
    }
    this.#files++;
    if (this.#files <= MOST_FILES) this.readFile(path, chain, where);
    else if (this.#files === MOST_FILES + 1) this.#report(tooManyIncludes(where, MOST_FILES));
  }

  #examine(path: string): Examined | null {
    const found = examine(path);
    if (!this.stamps.has(path)) this.stamps.set(path, found?.stamp ?? null);
    return found;
  }

  #attempt<T>(path: string, from: Where | null, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      this.complete = false;
      this.#report(unreadableFile(path, error, from));
      return null;
    }
  }

  #report(error: ConfigError, severity: Severity = 'error'): void {
    this.findings.push(findingOf(error, severity));
  }
}

// By stamp and not by name, as a link gives one file several names.
function isSameFile(one: Examined | null, other: Examined): boolean {
  return one?.kind === 'file' && other.kind === 'file' && one.stamp === other.stamp;
}
