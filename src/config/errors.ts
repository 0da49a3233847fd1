// Every way in which configuration can be wrong, one function each: a code, the place, a sentence for the
// operator, and where it helps a hint. Nothing here is ever shown to a client.

import type { FindingCode } from './finding-codes.ts';

/** A place in the configuration; without a line it is the file as a whole. */
export interface Where {
  readonly file: string;
  /** from 1 */
  readonly line?: number;
}

/** The operator's mistake. `message` reads `FILE:LINE: sentence`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** stable, for scripts and tests */
  readonly code: FindingCode;
  readonly where: Where | null;
  /** what is wrong, without the place */
  readonly sentence: string;
  /** what to do about it */
  readonly hint: string | null;

  constructor(code: FindingCode, where: Where | null, sentence: string, hint: string | null = null) {
    super(where === null ? sentence : `${showWhere(where)}: ${sentence}`);
    this.code = code;
    this.where = where;
    this.sentence = sentence;
    this.hint = hint;
  }

  override toString(): string {
    return this.message;
  }
}

/** `info` is for what an operator may want to know; only check-config says it, and it is no reason for another exit code. */
export type Severity = 'error' | 'warning' | 'info';

/** A mistake that stops nobody: told by check-config and in the log. */
export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  readonly where: Where | null;
  /** without the place */
  readonly text: string;
  readonly hint: string | null;
}

/** A ConfigError as a finding; whatever else was thrown goes on. */
export function findingOfThrown(thrown: unknown): Finding {
  if (thrown instanceof ConfigError) return findingOf(thrown, 'error');
  throw thrown;
}

export function findingOf(error: ConfigError, severity: Severity): Finding {
  return { severity, code: error.code, where: error.where, text: error.sentence, hint: error.hint };
}

/** `FILE:LINE`, or `FILE` */
export function showWhere({ file, line }: Where): string {
  return line === undefined ? file : `${file}:${line}`;
}

const LONGEST_QUOTE = 80;

/** Text of the operator's in quotes: control bytes disarmed, as it may reach a terminal, and not too long. */
export function quoted(text: string): string {
  const short = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return `"${withoutControls(short)}"`;
}

/** Control bytes as \xHH. */
export function withoutControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, showByte);
}

function showByte(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The reason of a failed system call without the path, which the place already tells. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : String(cause);
}

/** @param from the `$include` that asked for it; null for a file that was looked up by name */
export function unreadableFile(file: string, cause: unknown, from: Where | null): ConfigError {
  const asked = from === null ? '' : ` (included from ${showWhere(from)})`;
  return new ConfigError('UNREADABLE_FILE', { file }, `cannot be read: ${reasonOf(cause)}${asked}`);
}

export function missingFolder(folder: string): ConfigError {
  return new ConfigError('MISSING_FOLDER', { file: folder }, 'there is no such configuration folder');
}

/** @param chain the files from the first to the one that is included again */
export function circularInclude(where: Where, chain: readonly string[]): ConfigError {
  const sentence = `circular $include: ${chain.join(' includes ')}`;
  return new ConfigError('CIRCULAR_INCLUDE', where, sentence, 'the line is left out; remove it');
}

export function missingInclude(where: Where, name: string): ConfigError {
  const hint = name.startsWith('/')
    ? null
    : 'a relative name is looked for in the configuration folders, not beside the file that includes it';
  return new ConfigError(
    'MISSING_INCLUDE',
    where,
    `there is no file or folder ${quoted(name)} to include`,
    hint,
  );
}

export function badInclude(where: Where, line: string): ConfigError {
  return new ConfigError(
    'BAD_INCLUDE',
    where,
    `${quoted(line)} is not "$include NAME"`,
    'NAME has no blanks',
  );
}

export function tooManyIncludes(where: Where, limit: number): ConfigError {
  return new ConfigError(
    'TOO_MANY_INCLUDES',
    where,
    `more than ${limit} files are included; the rest is left out`,
  );
}

/** The line is not shown: files of passwords have lines, too. */
export function controlByte(where: Where): ConfigError {
  return new ConfigError('CONTROL_BYTE', where, 'the line holds a control byte; it is left out');
}

export function notUtf8(where: Where): ConfigError {
  return new ConfigError('NOT_UTF8', where, 'the line is not UTF-8; what cannot be read became "\ufffd"');
}

/** @param allowed what the file may hold, as the end of the sentence "TEXT is not …" */
export function badValue(where: Where, text: string, allowed: string): ConfigError {
  return new ConfigError('BAD_VALUE', where, `${quoted(text)} is not ${allowed}`, commentHint(text));
}

/** What to say of a line that may be wrong for a comment at its end; null where there is none. */
export function commentHint(text: string): string | null {
  return /(?:^|\s)#/.test(text) ? 'a comment needs a line of its own' : null;
}

export function extraLine(where: Where): ConfigError {
  return new ConfigError(
    'EXTRA_LINE',
    where,
    'this file has one value, on its first line; this line is ignored',
  );
}

export function badCdb(file: string, reason: string): ConfigError {
  const hint = 'make it again with cdbmake or qmail-newmrh, and move it into place when it is complete';
  return new ConfigError('BAD_CDB', { file }, `is not a constant database: ${reason}`, hint);
}

export function badPluginLine(where: Where, sentence: string, hint: string | null = null): ConfigError {
  return new ConfigError('BAD_PLUGIN_LINE', where, sentence, hint);
}

export function perlPackage(where: Where, name: string): ConfigError {
  const hint = 'port it to JavaScript or TypeScript and name it by its path below plugin_dirs';
  return new ConfigError(
    'PERL_PACKAGE',
    where,
    `${quoted(name)} is a Perl package, which cannot be loaded`,
    hint,
  );
}

/** The same plugin twice under one name: in qpsmtpd both would have shared their state. */
export function duplicatePlugin(where: Where, name: string, first: Where): ConfigError {
  const sentence = `plugin ${quoted(name)} is already loaded by ${showWhere(first)}`;
  const plain = name.replace(/:\d+$/, '');
  return new ConfigError('DUPLICATE_PLUGIN', where, sentence, `a second load needs a number: ${plain}:1`);
}

export function duplicateRoute(where: Where, pattern: string, first: Where): ConfigError {
  return new ConfigError(
    'DUPLICATE_ROUTE',
    where,
    `there is a route for ${quoted(pattern)} at ${showWhere(first)} already; this line is ignored`,
  );
}
