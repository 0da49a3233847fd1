// Where a configuration file is found. As in qpsmtpd the search goes file by file: a folder that lacks one file
// still gives the others. What the operator names comes first, then `config/` beside the installation, then
// qmail's control folder.

import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

/** The folders of the configuration in search order. */
export class ConfigDirs {
  readonly all: readonly string[];

  constructor(dirs: readonly string[]) {
    this.all = [...new Set(dirs)];
  }

  /** Every place where `name` may lie, in search order; none for a name that would leave the folders. */
  candidates(name: string): readonly string[] {
    return isSafeName(name) ? this.all.map((dir) => join(dir, name)) : [];
  }

  /**
   * Path of the first file `name`; null when no folder has one. Folders of that name are passed over unless
   * `what` is `any`. A file that cannot be examined counts as found: reading it will tell why.
   */
  locate(name: string, what: 'file' | 'any' = 'file'): string | null {
    return this.candidates(name).find((path) => kindOf(path, what) !== 'absent') ?? null;
  }
}

function kindOf(path: string, what: 'file' | 'any'): 'present' | 'absent' {
  const stamp = examine(path);
  return stamp === null || (what === 'file' && stamp.kind === 'folder') ? 'absent' : 'present';
}

/** What stat says of a path: enough to see a change, and to tell what to do with it. */
export interface Examined {
  readonly kind: 'file' | 'folder' | 'other' | 'unknown';
  /** differs when the file does */
  readonly stamp: string;
}

/** Null when there is nothing; `unknown`, with the error as stamp, when that cannot be told. */
export function examine(path: string): Examined | null {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other';
    // The time of the last change of the inode shows what the other two miss: chmod, and times put back.
    return { kind, stamp: `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return code === 'ENAMETOOLONG' ? null : { kind: 'unknown', stamp: code };
  }
}

/** @throws Error for what is no plain file: reading a pipe would wait for its other end */
export function readPlainFile(path: string): Buffer {
  if (examine(path)?.kind === 'other') throw new Error('it is not a plain file');
  return readFileSync(path);
}

function isSafeName(name: string): boolean {
  if (name === '' || isAbsolute(name) || /[\x00-\x1f\x7f\\]/.test(name)) return false;
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

export interface SearchOrder {
  /** folders of `--config`, in order; they replace QPSMTPD_CONFIG */
  readonly given: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** folders of the installation, above their `config/` */
  readonly beside: readonly string[];
  /** whether a folder is there; asked for those that nobody named */
  readonly exists: (path: string) => boolean;
}

/**
 * The folders to search, as absolute paths. Those that the operator named are kept even where they are missing,
 * so that the mistake can be reported.
 */
export function defaultDirs({ given, env, beside, exists }: SearchOrder): string[] {
  const fromEnv = env['QPSMTPD_CONFIG'];
  const named = given.length > 0 ? given : fromEnv ? [fromEnv] : [];
  const qmail = env['QMAIL'];
  const usual = [
    ...beside.map((folder) => join(folder, 'config')),
    ...(qmail ? [join(qmail, 'control')] : []),
    '/var/qmail/control',
  ];
  const found = usual.map((dir) => resolve(dir)).filter(exists);
  return [...new Set([...named.map((dir) => resolve(dir)), ...found])];
}
