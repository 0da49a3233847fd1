// Names of log files, and commands, by time and session: strftime(3) conversions, and %i for the session in the form that
// it has in qpsmtpd, SECONDS-PID-COUNTER. Nothing of a client is in it.

import type { Connection } from 'qpsmtpd';
import { type TimeFormat, timeFormat } from './_strftime.ts';

/** What %i is where no client is concerned. */
export const NO_SESSION = 'parent';

/** Null for what is no connection of a client, such as a message of queue/spool on its way. */
export function sessionId({ id, startedAt }: Connection): string | null {
  const [, pid, number] = /^(\d+)\.(\d+)$/.exec(id) ?? [];
  if (pid === undefined || number === undefined) return null;
  const seconds = Math.floor(startedAt.getTime() / 1000);
  return `${String(seconds).padStart(8, '0')}-${pid.padStart(4, '0')}-${number}`;
}

/** Text of a format at a time, made anew once a second. */
export function eachSecond(format: TimeFormat): TimeFormat {
  let second = Number.NaN;
  let text = '';
  return (time) => {
    const now = Math.floor(time.getTime() / 1000);
    if (now !== second) {
      second = now;
      text = format(time);
    }
    return text;
  };
}

export class OutputNames {
  /** whether each session has a name of its own */
  readonly hasSession: boolean;
  readonly #parts: readonly TimeFormat[];

  constructor(format: string) {
    const parts = splitAtSession(format);
    this.hasSession = parts.length > 1;
    this.#parts = parts.map((part) => eachSecond(timeFormat(part)));
  }

  at(time: Date, session: string): string {
    const [only] = this.#parts;
    if (only !== undefined && this.#parts.length === 1) return only(time);
    return this.#parts.map((part) => part(time)).join(session);
  }
}

/** At each %i; in %%i it is none. */
function splitAtSession(format: string): string[] {
  const parts = [''];
  for (const [piece] of format.matchAll(/%[%i]|[^%]+|%/g)) {
    if (piece === '%i') parts.push('');
    else parts.push(`${parts.pop()}${piece}`);
  }
  return parts;
}
