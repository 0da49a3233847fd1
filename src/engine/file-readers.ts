// The config files that a plugin declares, as functions that give their entries: parsed once for each change
// of the file, with bad lines left out and named in the log.

import type { ConfigLine } from '../config/config-file.ts';
import type { ConfigStore } from '../config/config-store.ts';
import { showWhere } from '../config/errors.ts';
import type { AtProcess, Logger } from '../contract/at.ts';
import type { Awaitable } from '../contract/hooks.ts';
import type { FileReaders, FileSchema, KeyMap, ListFile } from '../contract/plugin.ts';
import type { Call } from './call.ts';
import type { Lookup } from './lookup.ts';

const EMPTY_MAP: KeyMap = { has: () => false, get: () => undefined };

export function makeFileReaders(
  files: FileSchema,
  lookup: Lookup,
  store: ConfigStore,
  log: Logger,
): FileReaders<FileSchema> {
  const readers: Record<string, (at: AtProcess) => Awaitable<readonly unknown[] | KeyMap>> = {};
  for (const [name, file] of Object.entries(files)) {
    readers[name] =
      file.kind === 'list' ? listReader(name, file, lookup, log) : () => mapOf(store, name, log);
  }
  return readers as FileReaders<FileSchema>;
}

function listReader(name: string, file: ListFile<unknown>, lookup: Lookup, log: Logger) {
  const parsed = new WeakMap<readonly ConfigLine[], readonly unknown[]>();
  const entriesOf = (lines: readonly ConfigLine[]): readonly unknown[] => {
    const known = parsed.get(lines);
    if (known !== undefined) return known;
    const entries: unknown[] = [];
    for (const line of lines) {
      const read = parseLine(file, line);
      if ('entry' in read) entries.push(read.entry);
      else log.warn(`error, ${showWhere(line.where)}: ${read.problem}; the line is ignored`);
    }
    parsed.set(lines, entries);
    return entries;
  };
  return (at: AtProcess) => {
    const lines = lookup.lines(name, at as Call, null);
    return lines instanceof Promise ? lines.then(entriesOf) : entriesOf(lines);
  };
}

/** One line as the plugin reads it, or what is wrong with it. */
export function parseLine(
  file: ListFile<unknown>,
  line: ConfigLine,
): { readonly entry: unknown } | { readonly problem: string } {
  try {
    return { entry: file.parse(line.text) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function mapOf(store: ConfigStore, name: string, log: Logger): KeyMap {
  const cdb = store.map(name);
  if (cdb === null) return EMPTY_MAP;
  const get = (key: string) => {
    try {
      return cdb.get(key)?.toString('latin1');
    } catch (error) {
      log.error(`error, ${name}.cdb is damaged: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  return { get, has: (key) => get(key) !== undefined };
}
