// The files that a TLS context is made of: where they are looked for, how they are read, and how a change of them is
// noticed.

import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

/** All places where a file that may be given relative can be: the working folder, then those of the configuration. */
export function placesOf(path: string, configDirs: readonly string[]): readonly string[] {
  return isAbsolute(path) ? [path] : [resolve(path), ...configDirs.map((dir) => join(dir, path))];
}

/** The first of these paths that is there. One that cannot be examined counts: reading it will tell why. */
export function firstThere(paths: readonly string[]): string | undefined {
  return paths.find(isThere);
}

export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** qpsmtpd takes an empty file for none. */
export function isEmpty(path: string): boolean {
  try {
    return statSync(path).size === 0;
  } catch {
    return false;
  }
}

export interface Examined {
  /** differs when the file does */
  readonly stamp: string;
  /** when it, or what is said of it, was changed last, in milliseconds */
  readonly changedAt: number;
}

/** Never throws: a file that is not there has a stamp too. */
export function examine(path: string): Examined {
  try {
    const stat = statSync(path);
    const stamp = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    return { stamp, changedAt: Math.max(stat.mtimeMs, stat.ctimeMs) };
  } catch (error) {
    return { stamp: codeOf(error), changedAt: -Infinity };
  }
}

/** @throws Error with a sentence for the operator */
export function readTlsFile(path: string): Buffer {
  try {
    // Reading a pipe would wait for its other end.
    if (!statSync(path).isFile()) throw new Error('it is not a plain file');
    return readFileSync(path);
  } catch (error) {
    const reasons: Record<string, string> = {
      ENOENT: 'is not there',
      ENOTDIR: 'is not there',
      EACCES: 'cannot be read by the user of this process',
    };
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} ${reasons[codeOf(error)] ?? `cannot be read: ${why}`}`, { cause: error });
  }
}

/** Whether users who are neither the owner nor in the file's group may read it. */
export function isOpenToAll(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o004) !== 0;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
