// What a handler gives back, and the functions that make it. Verdicts are plain values that nobody changes.

import type { EnhancedStatus, StatusName } from '../protocol/enhanced-status.ts';
import { isEnhancedStatus, namedStatus } from '../protocol/enhanced-status.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Code, Denial } from './codes.ts';

export interface Verdict<C extends Code = Code> {
  readonly code: C;
  /** reply lines; empty = the words of the session */
  readonly text: readonly string[];
  readonly status?: EnhancedStatus | undefined;
  /** with DONE: sent as it stands, nothing where there is none; with a denial: its code counts, if it is of that kind */
  readonly reply?: Reply | undefined;
}

/** An OK that carries what an asking hook asked for. */
export interface Answer<V> {
  readonly code: 'OK';
  readonly value: V;
}

export interface Declined extends Verdict<'DECLINED'> {}

// Shared by most verdicts: a plugin that writes to it must not give them all its text.
const NO_TEXT: readonly string[] = Object.freeze([]);

/** "Not my concern": the next handler is asked. */
export const declined: Declined = Object.freeze({ code: 'DECLINED', text: NO_TEXT });

/** Agrees, and ends the chain. */
export function ok(text?: string): Verdict<'OK'> {
  return { code: 'OK', text: toLines(text) };
}

/** Gives an asking hook (config, mail_pre, …) its answer. */
export function answer<V>(value: V): Answer<V> {
  return { code: 'OK', value };
}

/** Refuses for good (5xx). `status` is an enhanced status code or the name of one. */
export function deny(text?: string, status?: EnhancedStatus | StatusName): Verdict<'DENY'> {
  return refusal('DENY', 5, text, status);
}

/** Refuses for now (4xx). `status` is an enhanced status code or the name of one. */
export function denySoft(text?: string, status?: EnhancedStatus | StatusName): Verdict<'DENYSOFT'> {
  return refusal('DENYSOFT', 4, text, status);
}

/** The same refusal, after which the connection is closed. */
export function disconnect<C extends 'DENY' | 'DENYSOFT'>(verdict: Verdict<C>): Verdict<`${C}_DISCONNECT`> {
  return { ...verdict, code: `${verdict.code}_DISCONNECT` as `${C}_DISCONNECT` };
}

/** "I have dealt with it": nothing but `reply` is sent. */
export function done(reply?: Reply): Verdict<'DONE'> {
  return { code: 'DONE', text: NO_TEXT, reply };
}

/** A denial of any kind, for code that gets the kind from configuration. */
export function denial<C extends Denial>(code: C, text?: string, status?: EnhancedStatus | StatusName) {
  return refusal(code, code.startsWith('DENYSOFT') ? 4 : 5, text, status);
}

function refusal<C extends Denial>(
  code: C,
  kind: 4 | 5,
  text: string | undefined,
  status: EnhancedStatus | StatusName | undefined,
): Verdict<C> {
  if (status === undefined) return { code, text: toLines(text) };
  if (isEnhancedStatus(status)) return { code, text: toLines(text), status };
  // A plugin in JavaScript may have mistyped it.
  if (!Object.hasOwn(namedStatus, status)) throw new TypeError(`"${status}" is no enhanced status code`);
  const named = namedStatus[status as StatusName];
  return { code, text: toLines(text ?? named.text), status: `${kind}.${named.code}` };
}

// qpsmtpd makes a reply line of each line of a plugin's text; empty ones are lost there and here.
function toLines(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return NO_TEXT;
  return text.includes('\n') ? text.split(/\r?\n/).filter((line) => line !== '') : [text];
}
