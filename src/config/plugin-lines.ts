// Lines of config/plugins and config/logging: a plugin's path, `:N` where it is loaded more than once, and its
// words (README.plugins of qpsmtpd). A word in double quotes may hold blanks, which qpsmtpd had no way to write.

import type { ConfigLine } from './config-file.ts';
import {
  badPluginLine,
  duplicatePlugin,
  type Finding,
  findingOfThrown,
  perlPackage,
  quoted,
  type Where,
} from './errors.ts';

export interface PluginLine {
  /** as written, with `:N`; what tells two loads of one plugin apart */
  readonly name: string;
  /** path below the plugin folders, without `:N` */
  readonly plugin: string;
  /** what follows the name */
  readonly words: readonly string[];
  /** for each word, the line from there on as it is written, quotes and all */
  readonly rests: readonly string[];
  readonly where: Where;
}

const NAME = /^([A-Za-z0-9_./-]+)(?::\d+)?$/;

/** @throws ConfigError */
export function parsePluginLine({ text, where }: ConfigLine): PluginLine {
  if (/[^\t\x20-\x7e]/.test(text)) {
    throw badPluginLine(where, `${quoted(text)} holds something else than printable ASCII`);
  }
  const [{ word: name } = { word: '' }, ...following] = splitWords(text, where);
  const words = following.map(({ word }) => word);
  const rests = following.map(({ rest }) => rest);
  if (name.includes('::')) throw perlPackage(where, name);
  const plugin = NAME.exec(name)?.[1];
  if (plugin === undefined) {
    throw badPluginLine(
      where,
      `${quoted(name)} cannot be the name of a plugin`,
      'a name has letters, digits and _ - . / and may end in :N, a number',
    );
  }
  if (!plugin.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) {
    throw badPluginLine(
      where,
      `${quoted(name)} is not a path below the plugin folders`,
      'name other folders in plugin_dirs',
    );
  }
  return { name, plugin, words, rests, where };
}

function splitWords(line: string, where: Where): { word: string; rest: string }[] {
  const text = line.trimEnd();
  const word = /[ \t]*(?:"([^"]*)"(?=[ \t]|$)|([^ \t"][^ \t]*))/y;
  const words: { word: string; rest: string }[] = [];
  for (let at = 0; at < text.length; at = word.lastIndex) {
    const match = word.exec(text);
    if (match === null) {
      throw badPluginLine(
        where,
        `a quoted word has no end: ${quoted(text.slice(at).trimStart())}`,
        'a quote that begins a word is closed by one before a blank or the end of the line',
      );
    }
    words.push({ word: match[1] ?? match[2] ?? '', rest: text.slice(at).trimStart() });
  }
  return words;
}

/** All lines that make sense, and what is wrong with the others. A second load under one name is left out. */
export function parsePluginLines(lines: readonly ConfigLine[]): {
  entries: PluginLine[];
  findings: Finding[];
} {
  const entries = new Map<string, PluginLine>();
  const findings: Finding[] = [];
  for (const line of lines) {
    try {
      const entry = parsePluginLine(line);
      const first = entries.get(entry.name);
      if (first !== undefined) throw duplicatePlugin(entry.where, entry.name, first.where);
      entries.set(entry.name, entry);
    } catch (error) {
      findings.push(findingOfThrown(error));
    }
  }
  return { entries: [...entries.values()], findings };
}
