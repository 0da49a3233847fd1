// The words of a logging/file line, which keep the order they have in qpsmtpd: key words in any order and case, then a path
// or, behind a |, a command for the shell. Path and command may hold blanks.

import { type LogLevel, OptionError } from 'qpsmtpd';
import { readLevel } from './_level.ts';

export interface OutputLine {
  /** path or command, with conversions in it */
  readonly target: string;
  readonly isCommand: boolean;
  readonly nosplit: boolean;
  readonly reopen: boolean;
  readonly loglevel?: LogLevel;
  readonly tsformat?: string;
}

type Settings = { -readonly [K in Exclude<keyof OutputLine, 'target' | 'isCommand'>]?: OutputLine[K] };

/** What each key word does; those with a value take the next word. */
const keyWords: Readonly<
  Record<string, { readonly takesValue: boolean; set(settings: Settings, value: string): void }>
> = {
  nosplit: {
    takesValue: false,
    set(settings) {
      settings.nosplit = true;
    },
  },
  reopen: {
    takesValue: false,
    set(settings) {
      settings.reopen = true;
    },
  },
  loglevel: {
    takesValue: true,
    set(settings, value) {
      settings.loglevel = readLevel(value);
    },
  },
  tsformat: {
    takesValue: true,
    set(settings, value) {
      settings.tsformat = value;
    },
  },
};

/** @throws OptionError */
export function readOutputLine(text: string): OutputLine {
  const settings: Settings = {};
  let rest = text.trim();
  for (;;) {
    const { word, behind } = firstWord(rest);
    const name = word.toLowerCase();
    const known = Object.hasOwn(keyWords, name) ? keyWords[name] : undefined;
    if (known === undefined) break;
    const value = known.takesValue ? firstWord(behind) : { word: '', behind };
    if (known.takesValue && value.word === '') throw new OptionError(`${name} has no value`);
    known.set(settings, value.word);
    rest = value.behind;
  }
  const target = unquoted(rest);
  const isCommand = target.startsWith('|');
  const what = isCommand ? target.slice(1).trim() : target;
  if (what === '') {
    throw new OptionError(
      isCommand ? 'there is no command behind the |' : 'there is neither path nor |COMMAND',
    );
  }
  if (!isCommand && what.endsWith('/')) throw new OptionError(`"${what}" is a folder, not a file`);
  return { nosplit: false, reopen: false, ...settings, target: what, isCommand };
}

function firstWord(text: string): { word: string; behind: string } {
  const [whole = '', quoted, plain] = /^(?:"([^"]*)"(?=\s|$)|(\S+))?\s*/.exec(text) ?? [];
  return { word: quoted ?? plain ?? '', behind: text.slice(whole.length) };
}

/** A path or command that is quoted as one word; within a command, quotes are the shell's. */
function unquoted(text: string): string {
  return /^"([^"]*)"$/.exec(text)?.[1] ?? text;
}
