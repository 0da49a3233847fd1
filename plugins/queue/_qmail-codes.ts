// What the exit codes of qmail-queue mean: qmail-queue(8), and 115 of older patches for 11.

import type { EnhancedStatus } from 'qpsmtpd';

export interface Meaning {
  readonly isPermanent: boolean;
  readonly status: EnhancedStatus;
  readonly text: string;
}

/** The program has said why in its own words. */
export const CUSTOM_ERROR = 82;

const meanings: Readonly<Record<number, readonly [status: EnhancedStatus, text: string]>> = {
  11: ['5.1.3', 'envelope address too long'],
  31: ['5.7.1', 'mail server permanently rejected message'],
  51: ['4.3.0', 'out of memory'],
  52: ['4.3.0', 'timeout'],
  53: ['4.3.1', 'write error or disk full'],
  54: ['4.3.0', 'read error'],
  55: ['4.3.0', 'unable to read configuration'],
  56: ['4.3.0', 'trouble making network connection'],
  61: ['4.3.0', 'trouble in home directory'],
  62: ['4.3.0', 'trouble in queue directory'],
  63: ['4.3.0', 'trouble creating files in queue/pid'],
  64: ['4.3.0', 'trouble creating files in queue/mess'],
  65: ['4.3.0', 'trouble creating files in queue/intd'],
  66: ['4.3.0', 'trouble creating files in queue/todo'],
  71: ['4.3.0', 'mail server temporarily rejected message'],
  72: ['4.4.1', 'connection to mail server timed out'],
  73: ['4.4.1', 'connection to mail server rejected'],
  74: ['4.4.2', 'communication with mail server failed'],
  81: ['4.3.0', 'internal bug'],
  91: ['4.3.0', 'internal bug, bad envelope'],
  115: ['5.1.3', 'envelope address too long'],
};

export function meaningOf(code: number): Meaning {
  const isPermanent = (code >= 11 && code <= 40) || code === 115;
  const [status, text] =
    meanings[code] ?? ([isPermanent ? '5.3.0' : '4.3.0', `unknown error ${code}`] as const);
  return { isPermanent, status, text };
}

/** The words behind a D (for good) or a Z (for now), which may begin with a status of their own; null for others. */
export function customError(said: string): Meaning | null {
  const [, kind, words = ''] = /^([DZ])([^\r\n]*)/.exec(said) ?? [];
  if (kind === undefined) return null;
  const isPermanent = kind === 'D';
  const digit = isPermanent ? 5 : 4;
  const [, tail, text = words] = /^[245]\.(\d{1,3}\.\d{1,3}) (.*)$/.exec(words) ?? [];
  return { isPermanent, status: `${digit}.${tail ?? '7.1'}` as EnhancedStatus, text: text.trim() };
}
