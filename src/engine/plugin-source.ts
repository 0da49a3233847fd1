// Where the definition of a plugin comes from: plugin_dirs in their order, then what is built in. So a site
// can put its own version of a stock plugin before it.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { PluginLine } from '../config/plugin-lines.ts';
import { isHookName } from '../contract/hooks.ts';
import { carriedExtensions, type OrderRule, type Plugin } from '../contract/plugin.ts';
import type { DiskLoader } from './disk-loader.ts';
import { nearest, notAPlugin, perlPlugin, unknownPlugin, unloadablePlugin } from './errors.ts';
import { formerNames } from './former-names.ts';
import { perlNameHint } from './perl-names.ts';

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
    const others: string[] = [];
    for (const dir of this.#dirs) {
      const base = join(dir, name);
      const file = ENDINGS.map((ending) => base + ending).find(isFile);
      if (file !== undefined) return { plugin: checked(this.#fromDisk(line, file), name, line), file };
      if (isFile(base)) others.push(base);
    }
    const bundled = this.#builtIn(name);
    if (bundled !== undefined) return { plugin: checked((await bundled()).default, name, line), file: null };
    const [first] = others;
    const withoutEnding = name.replace(/\.m?[jt]s$/, '');
    if (first !== undefined && withoutEnding === name) throw perlPlugin(line.where, name, first);
    const close = first !== undefined ? withoutEnding : nearest(withoutEnding, Object.keys(this.#bundled));
    const hint = perlNameHint(name);
    throw unknownPlugin(line.where, name, this.#dirs, hint ?? (close && `did you mean "${close}"?`));
  }

  #builtIn(name: string) {
    const today = [name, formerNames[name]];
    const found = today.find((one) => one !== undefined && Object.hasOwn(this.#bundled, one));
    return found === undefined ? undefined : this.#bundled[found];
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
  const { options = {}, files = {}, positional = [], carries = [] } = definition as Partial<Shape>;
  const { extends: parent = '', order = [] } = definition as Partial<Shape>;
  if (!isTable(options, (spec) => 'parse' in spec && typeof spec.parse === 'function')) {
    return 'has options that were not made by option';
  }
  if (!isTable(files, (file) => 'kind' in file && (file.kind === 'list' || file.kind === 'map'))) {
    return 'has files that were not made by listFile or mapFile';
  }
  if ('check' in definition && typeof definition.check !== 'function')
    return 'has a check that is no function';
  if (!Array.isArray(positional)) return 'has a positional that is no list';
  if (!isListOf(carriedExtensions, carries)) {
    return `has a carries that is no list of ${carriedExtensions.join(', ')}`;
  }
  if (!isOrder(order)) {
    return 'has an order that is no list of { hook, after, before, last, otherwise }';
  }
  return typeof parent === 'string' ? null : 'has an extends that is no name';
}

type Shape = Readonly<Record<'options' | 'files' | 'positional' | 'carries' | 'extends' | 'order', unknown>>;

function isListOf(allowed: readonly string[], given: unknown): boolean {
  return Array.isArray(given) && given.every((entry: unknown) => allowed.some((word) => word === entry));
}

function isOrder(given: unknown): boolean {
  return Array.isArray(given) && given.every(isOrderRule);
}

function isOrderRule(rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return false;
  const { hook, after = [], before = [], otherwise } = rule as Partial<Record<keyof OrderRule, unknown>>;
  const names = [after, before];
  return (
    typeof hook === 'string' &&
    isHookName(hook) &&
    typeof otherwise === 'string' &&
    names.every((list) => Array.isArray(list) && list.every((name) => typeof name === 'string'))
  );
}

function isTable(given: unknown, isEntry: (entry: object) => boolean): boolean {
  if (typeof given !== 'object' || given === null) return false;
  return Object.values(given).every(
    (entry: unknown) => typeof entry === 'object' && entry !== null && isEntry(entry),
  );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
