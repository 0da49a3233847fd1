// The words of queue/pipe: read once, filled with the facts of a message for each run. What a stranger has written stays
// within one argument, and never becomes an option.

import { type Address, type AtEnvelope, OptionError } from 'qpsmtpd';
import { addressText } from './_handed-address.ts';

const macros = [
  'sender',
  'recipient',
  'recipients',
  'user',
  'domain',
  'size',
  'client_address',
  'client_hostname',
  'client_helo',
  'sasl_username',
] as const;
type Macro = (typeof macros)[number];

type Part = { readonly text: string } | { readonly macro: Macro };
type Word = readonly Part[];

export interface Command {
  readonly path: string;
  readonly words: readonly Word[];
  /** whether it names one recipient, and so is run for each */
  readonly isPerRecipient: boolean;
}

/** A value that the program would take for an option. */
export class OptionLikeError extends Error {
  readonly isRecipient: boolean;

  constructor(macro: Macro) {
    super(`\${${macro}} begins with -`);
    this.isRecipient = ['recipient', 'recipients', 'user', 'domain'].includes(macro);
  }
}

/** Reads `/path -f ${sender} 'two words'`. @throws OptionError */
export function readCommand(text: string): Command {
  const [path = '', ...rest] = splitWords(text);
  if (!path.startsWith('/')) throw new OptionError(`"${path}" is not an absolute path`);
  const words = rest.map(readWord);
  const has = (...names: readonly Macro[]) =>
    words.flat().some((part) => 'macro' in part && names.includes(part.macro));
  const isPerRecipient = has('recipient', 'user', 'domain');
  if (isPerRecipient && has('recipients')) {
    throw new OptionError(`a command is for one recipient or for all: \${recipients} goes with no other`);
  }
  return { path, words, isPerRecipient };
}

// Double quotes are read with the line, and blanks in them are then no longer told from others.
function splitWords(text: string): string[] {
  const words = text.match(/(?:'[^']*'|[^\s'])+/g) ?? [];
  if ((text.match(/'/g) ?? []).length % 2 === 1) throw new OptionError("a ' has no end");
  return words.map((word) => word.replaceAll("'", ''));
}

function readWord(word: string): Word {
  const parts = word.split(/\$\{(\w*)\}/).map((text, at): Part => {
    if (at % 2 === 0) return { text };
    const macro = macros.find((name) => name === text);
    if (macro === undefined) throw new OptionError(`\${${text}} is none of ${macros.join(', ')}`);
    if (macro === 'recipients' && word !== `\${recipients}`) {
      throw new OptionError(`\${recipients} must be a word of its own`);
    }
    return { macro };
  });
  if (parts.some((part) => 'text' in part && part.text.includes('${'))) {
    throw new OptionError(`"${word}" has a \${ without an end`);
  }
  return parts.filter((part) => !('text' in part) || part.text !== '');
}

/**
 * The arguments of one run.
 *
 * @param recipient of whom a command for one recipient is told
 * @param nullSender what stands for the sender of a bounce
 * @throws OptionLikeError, UnfitAddressError
 */
export function argumentsOf(
  { words }: Command,
  at: AtEnvelope,
  recipient: Address | undefined,
  nullSender: string,
): string[] {
  const args: string[] = [];
  let isPastOptions = false;
  for (const word of words) {
    for (const value of fill(word, at, recipient, nullSender)) {
      const [first] = word;
      if (!isPastOptions && first !== undefined && 'macro' in first && value.startsWith('-')) {
        throw new OptionLikeError(first.macro);
      }
      args.push(value);
    }
    isPastOptions ||= isDashes(word);
  }
  return args;
}

function isDashes([first, ...others]: Word): boolean {
  return first !== undefined && others.length === 0 && 'text' in first && first.text === '--';
}

function fill(
  word: Word,
  at: AtEnvelope,
  recipient: Address | undefined,
  nullSender: string,
): readonly string[] {
  const [first] = word;
  if (first !== undefined && 'macro' in first && first.macro === 'recipients') {
    return at.transaction.recipients.map((each) => addressText(each, 'quoted'));
  }
  const value = (part: Part) => ('text' in part ? part.text : factOf(part.macro, at, recipient, nullSender));
  return [word.map(value).join('')];
}

function factOf(
  macro: Macro,
  { connection, transaction }: AtEnvelope,
  recipient: Address | undefined,
  nullSender: string,
): string {
  const { sender, content } = transaction;
  switch (macro) {
    case 'sender':
      return sender.isNull ? nullSender : addressText(sender, 'quoted');
    case 'recipient':
      return recipient === undefined ? '' : addressText(recipient, 'quoted');
    case 'user':
      return harmless(recipient?.localPart ?? '');
    case 'domain':
      return harmless(recipient?.domain ?? '');
    case 'size':
      return String(content.size);
    case 'client_address':
      return connection.remoteIp;
    case 'client_hostname':
      return harmless(connection.remoteHost);
    case 'client_helo':
      return harmless(connection.hello?.host ?? '');
    case 'sasl_username':
      return harmless(connection.authentication?.passed === true ? connection.authentication.user : '');
    case 'recipients':
      return '';
  }
}

function harmless(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '?');
}
