// One thing read from the disk, and how to tell that it must be read again: the stamps of every path it depended
// on, the places included where a file might appear later and go before the one that was found.

import { type ConfigDirs, examine } from './config-dir.ts';
import type { Source } from './config-file.ts';
import type { Finding } from './errors.ts';

/** What a reading of the disk gives. */
export interface Fresh<T> {
  /** null: no folder has the file */
  readonly content: T | null;
  readonly sources: readonly Source[];
  readonly findings: readonly Finding[];
  /** false when it was there but could not be read in full; what was read before then stays in use */
  readonly complete: boolean;
}

export interface Cached<T> {
  content: T | null;
  sources: readonly Source[];
  /** by the store's clock, in milliseconds */
  checkedAt: number;
  complete: boolean;
  /** the findings of the last reading, so that only new ones are reported */
  reported: string;
}

/** Reads the first file `name`; `read` is given its path. */
export function readFirst<T>(name: string, dirs: ConfigDirs, read: (path: string) => Fresh<T>): Fresh<T> {
  const passed: Source[] = [];
  for (const path of dirs.candidates(name)) {
    const found = examine(path);
    if (found !== null && found.kind !== 'folder') {
      const fresh = read(path);
      return { ...fresh, sources: [...passed, ...fresh.sources] };
    }
    passed.push({ path, stamp: found?.stamp ?? null });
  }
  return { content: null, sources: passed, findings: [], complete: true };
}

/**
 * Looks at the disk again. Gives the new cell, which is `old` where nothing has changed, and what there is to
 * report: findings that the last reading did not have in the same form.
 */
export function refresh<T>(
  old: Cached<T> | undefined,
  now: number,
  read: () => Fresh<T>,
  isSame: (one: T, other: T) => boolean,
): { cached: Cached<T>; findings: readonly Finding[] } {
  // What could not be read is tried again without a change: the cause may lie outside of the file.
  if (old?.complete && old.sources.every(isUnchanged)) {
    old.checkedAt = now;
    return { cached: old, findings: [] };
  }
  const { content, sources, findings, complete } = read();
  const reported = JSON.stringify(findings);
  const cached = {
    content: choose(old, content, complete, isSame),
    sources,
    checkedAt: now,
    complete,
    reported,
  };
  return { cached, findings: reported === old?.reported ? [] : findings };
}

function choose<T>(
  old: Cached<T> | undefined,
  content: T | null,
  complete: boolean,
  isSame: (one: T, other: T) => boolean,
): T | null {
  const before = old?.content ?? null;
  if (before === null) return content;
  if (!complete) return before;
  // Callers tell a change by identity: a file that was only touched is no change.
  return content !== null && isSame(before, content) ? before : content;
}

function isUnchanged({ path, stamp }: Source): boolean {
  return (examine(path)?.stamp ?? null) === stamp;
}
