// What the store reads from the disk: the lines of a file, and constant databases.

import { type Fresh, readFirst } from './cached-file.ts';
import { Cdb } from './cdb.ts';
import { type ConfigDirs, examine, readPlainFile } from './config-dir.ts';
import { type ConfigLine, readWithSources } from './config-file.ts';
import { badCdb, type ConfigError, findingOfThrown, unreadableFile } from './errors.ts';

export type Lines = readonly ConfigLine[];

/** The lines of the first file `name`. */
export function readLines(name: string, dirs: ConfigDirs): Fresh<Lines> {
  return readFirst(name, dirs, (path) => {
    const { lines, ...rest } = readWithSources(path, dirs);
    return { content: lines, ...rest };
  });
}

/** The constant database `NAME.cdb`, looked for by itself: qpsmtpd wanted a plain file NAME beside it. */
export function readMap(name: string, dirs: ConfigDirs): Fresh<Cdb> {
  return readFirst(`${name}.cdb`, dirs, (path) => {
    const sources = [{ path, stamp: examine(path)?.stamp ?? null }];
    try {
      return { content: openMap(path), sources, findings: [], complete: true };
    } catch (error) {
      return { content: null, sources, findings: [findingOfThrown(error)], complete: false };
    }
  });
}

/** @throws ConfigError */
function openMap(path: string): Cdb {
  const bytes = attempt(
    () => readPlainFile(path),
    (cause) => unreadableFile(path, cause, null),
  );
  return attempt(
    () => Cdb.open(bytes),
    (cause) => badCdb(path, cause instanceof Error ? cause.message : String(cause)),
  );
}

function attempt<T>(run: () => T, explain: (cause: unknown) => ConfigError): T {
  try {
    return run();
  } catch (cause) {
    throw explain(cause);
  }
}

/** Tells whether two readings gave the same lines from the same places. */
export function isSameLines(one: Lines, other: Lines): boolean {
  return (
    one.length === other.length &&
    one.every(({ text, where }, at) => {
      const line = other[at];
      return line?.text === text && line.where.file === where.file && line.where.line === where.line;
    })
  );
}
