// Every file of the configuration folders that the core or a plugin reads, loaded or not.

import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { readWithSources } from '../../config/config-file.ts';
import type { ConfigStore } from '../../config/config-store.ts';
import { knownFileNames } from '../../config/known-files.ts';
import { parsePluginLines } from '../../config/plugin-lines.ts';
import type { Plugin } from '../../contract/plugin.ts';
import type { Engine } from '../../engine/engine.ts';
import type { BundledPlugins } from '../../engine/plugin-source.ts';
import { filesOfPlugins } from './foreign-files.ts';

export interface KnownNames {
  /** by name: what the core and the loaded plugins read */
  readonly read: ReadonlySet<string>;
  /** by path: what files with a known name include, and what plugin lines name */
  readonly named: ReadonlySet<string>;
  /** files of plugins that are not loaded, each with the plugin */
  readonly idle: ReadonlyMap<string, string>;
  /** sources of plugins on disk, which may read files without declaring them */
  readonly sources: readonly string[];
}

export async function knownNames(
  { store, engine }: { readonly store: ConfigStore; readonly engine: Engine },
  bundled: BundledPlugins,
): Promise<KnownNames> {
  const loaded = engine.lines.flatMap(({ plugins }) => plugins);
  const read = new Set<string>([...knownFileNames, ...loaded.flatMap(({ plugin }) => filesOf(plugin))]);
  const idle = new Map(Object.entries(filesOfPlugins));
  for (const [name, load] of Object.entries(bundled)) {
    for (const file of filesOf((await load()).default)) idle.set(file, name);
  }
  return {
    read,
    named: new Set([...[...read].flatMap((name) => includedBy(name, store)), ...wordsOf(engine, store)]),
    idle: new Map([...idle].filter(([name]) => !read.has(name))),
    sources: loaded.flatMap(({ file }) => (file === null ? [] : textOf(file))),
  };
}

/** As they are called on disk. A map's list, from which it is made, may lie beside it. */
function filesOf(definition: unknown): string[] {
  const files = (definition as Plugin).files ?? {};
  return Object.entries(files).flatMap(([name, { kind }]) => (kind === 'map' ? [name, `${name}.cdb`] : name));
}

function includedBy(name: string, { dirs }: ConfigStore): string[] {
  const path = dirs.locate(name);
  return path === null ? [] : readWithSources(path, dirs).sources.map((source) => source.path);
}

/** Whatever a plugin line may mean as a path: a file of passwords, a certificate. */
function wordsOf({ lookup }: Engine, { dirs }: ConfigStore): string[] {
  const lines = ['logging', 'plugins'].flatMap((file) => parsePluginLines(lookup.fileLines(file)).entries);
  const words = lines.flatMap((line) => line.words.flatMap((word) => word.split('=')));
  return words
    .filter((word) => basename(word) !== '')
    .flatMap((word) => [resolve(word), ...dirs.all.map((dir) => resolve(dir, word))]);
}

function textOf(file: string): string[] {
  try {
    return [readFileSync(file, 'utf8')];
  } catch {
    return [];
  }
}
