// Where the definition of a plugin comes from: plugin_dirs in their order, then what is built in. So a site
// can put its own version of a stock plugin before it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PluginLine } from '../config/plugin-lines.ts';
import type { Plugin } from '../contract/plugin.ts';
import type { DiskLoader } from './disk-loader.ts';
import { nearest, notAPlugin, perlPlugin, unknownPlugin, unloadablePlugin } from './errors.ts';

/** Built-in plugins by name. */
export type BundledPlugins = Readonly<Record<string, () => Promise<{ readonly default: unknown }>>>;

export interface LoadedPlugin {
  readonly plugin: Plugin;
  /** file, or null for a built-in one */
  readonly file: string | null;
}

const ENDINGS = ['.ts', '.mts', '.js', '.mjs', '/index.ts', '/index.mts', '/index.js', '/index.mjs'];

export class PluginSource {
  readonly #bundled: BundledPlugins;
  readonly #disk: DiskLoader;
  readonly #dirs: readonly string[];

  constructor(bundled: BundledPlugins, disk: DiskLoader, dirs: readonly string[]) {
    this.#bundled = bundled;
    this.#disk = disk;
    this.#dirs = dirs;
  }

  /** @throws ConfigError naming the line that asked for the plugin */
  async load(name: string, line: PluginLine): Promise<LoadedPlugin> {
    const perl: string[] = [];
    for (const dir of this.#dirs) {
      const base = join(dir, name);
      const file = ENDINGS.map((ending) => base + ending).find((path) => existsSync(path));
      if (file !== undefined) return { plugin: checked(this.#fromDisk(line, file), name, line), file };
      if (existsSync(base)) perl.push(base);
    }
    const bundled = Object.hasOwn(this.#bundled, name) ? this.#bundled[name] : undefined;
    if (bundled !== undefined) return { plugin: checked((await bundled()).default, name, line), file: null };
    const [first] = perl;
    if (first !== undefined) throw perlPlugin(line.where, name, first);
    throw unknownPlugin(line.where, name, this.#dirs, nearest(name, Object.keys(this.#bundled)));
  }

  #fromDisk(line: PluginLine, file: string): unknown {
    try {
      return this.#disk.load(file);
    } catch (error) {
      const { reason, hint } = this.#disk.explain(error);
      throw unloadablePlugin(line.where, file, reason, hint);
    }
  }
}

/** A definition comes from anybody's file: it is checked like input. */
function checked(definition: unknown, name: string, line: PluginLine): Plugin {
  const wrong = whatIsWrong(definition);
  if (wrong !== null) throw notAPlugin(line.where, name, wrong);
  return definition as Plugin;
}

function whatIsWrong(definition: unknown): string | null {
  if (typeof definition !== 'object' || definition === null)
    return 'has no default export made by definePlugin';
  if (!('name' in definition) || typeof definition.name !== 'string') return 'has no name';
  if (!('setup' in definition) || typeof definition.setup !== 'function') return 'has no function setup';
  if ('options' in definition && (typeof definition.options !== 'object' || definition.options === null)) {
    return 'has options that are no object';
  }
  return null;
}
