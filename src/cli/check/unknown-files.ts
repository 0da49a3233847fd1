// Files in the configuration folders that nothing reads: a name with a mistake in it, and files of plugins that are not
// loaded. Folders are not looked into. qmail's control folder holds many files of others, and is shared: there, only
// names that look like mistakes are told.

import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { examine } from '../../config/config-dir.ts';
import { readWithSources } from '../../config/config-file.ts';
import type { Finding } from '../../config/errors.ts';
import type { BundledPlugins } from '../../engine/plugin-source.ts';
import { closest } from './closest-name.ts';
import type { Check, CheckContext } from './context.ts';
import { isForeignFile, isQmailFile } from './foreign-files.ts';
import { type KnownNames, knownNames } from './known-names.ts';

export function unknownFiles(bundled: BundledPlugins): Check {
  return async (context) => {
    const known = await knownNames(context, bundled);
    return context.store.dirs.all.flatMap((dir) => findingsInFolder(dir, known, context));
  };
}

function findingsInFolder(dir: string, known: KnownNames, context: CheckContext): Finding[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    return isMissing(error) ? [] : [unreadableFolder(dir, error)];
  }
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const dead = entries
    .filter((entry) => entry.isSymbolicLink() && known.read.has(entry.name))
    .flatMap(({ name }) => deadLink(join(dir, name)));
  const isQmails = names.some(isQmailFile) && !names.includes('plugins');
  const unknown = names
    .filter((name) => !isRead(name, dir, known))
    .flatMap((name) => findingFor(name, dir, known, context))
    .filter(({ severity }) => !isQmails || severity !== 'info');
  return [...dead, ...unknown];
}

/** Whoever made the link meant something by it; the server takes it for no file. */
function deadLink(file: string): Finding[] {
  if (examine(file) !== null) return [];
  const text = 'is a link to what is not there, and counts as if it were missing';
  return [{ severity: 'warning', code: 'UNREADABLE_FILE', where: { file }, text, hint: null }];
}

function isRead(name: string, dir: string, { read, named, sources }: KnownNames): boolean {
  return read.has(name) || named.has(join(dir, name)) || sources.some((text) => mentions(text, name));
}

/** The plugins of a site need not declare what they read. */
function mentions(source: string, name: string): boolean {
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((literal) => source.includes(literal));
}

function findingFor(
  name: string,
  dir: string,
  { read, idle }: KnownNames,
  { store, engine }: CheckContext,
): Finding[] {
  const where = { file: join(dir, name) };
  const owner = idle.get(name);
  if (owner !== undefined) {
    // A list without entries waits for its plugin.
    if (!name.endsWith('.cdb') && readWithSources(where.file, store.dirs).lines.length === 0) return [];
    const text = `nothing reads this file: plugin "${owner}" is not loaded`;
    return [{ severity: 'info', code: 'IDLE_FILE', where, text, hint: null }];
  }
  if (isForeignFile(name)) return [];
  const close = closest(name, [...read, ...idle.keys()]);
  if (close !== null) {
    const hint = `did you mean "${close}"?`;
    return [
      { severity: 'warning', code: 'UNKNOWN_FILE', where, text: 'nothing reads a file of this name', hint },
    ];
  }
  const mayBeRead = engine.lines.some(({ plugins }) => plugins.some(({ file }) => file !== null));
  const hint = mayBeRead ? 'a plugin of your own that reads it can declare it under "files"' : null;
  return [{ severity: 'info', code: 'UNREAD_FILE', where, text: 'nothing reads this file', hint }];
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function unreadableFolder(dir: string, error: unknown): Finding {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return {
    severity: 'warning',
    code: 'UNREADABLE_FOLDER',
    where: { file: dir },
    text: `its files cannot be listed: ${reason}`,
    hint: 'run check-config as the user of the server, or as root',
  };
}
