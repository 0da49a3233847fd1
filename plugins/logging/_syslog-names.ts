// The words of syslog(3): facilities, priorities, and the ways to its daemon as Perl's Sys::Syslog calls them.

import { logLevelOf, logLevels, type Option, OptionError } from 'qpsmtpd';

/** Facilities by number. The kernel has 0 for itself: nobody else's entries keep it. */
const facilityNames = [
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp',
  'ntp audit console clock local0 local1 local2 local3 local4 local5 local6 local7',
]
  .join(' ')
  .split(' ');

const otherNames: Readonly<Record<string, string>> = {
  err: 'error',
  warning: 'warn',
  panic: 'emerg',
  security: 'auth',
};

/** `LOG_MAIL`, `mail` and `Mail` are the same. */
function plainName(text: string): string {
  const name = text.toLowerCase().replace(/^log_?/, '');
  return Object.hasOwn(otherNames, name) ? (otherNames[name] ?? name) : name;
}

/** @throws OptionError */
export function readFacility(text: string): number {
  const number = facilityNames.indexOf(plainName(text));
  if (number === 0)
    throw new OptionError('kern is for the kernel alone: write mail, daemon or local0 to local7');
  if (number < 0) throw new OptionError(`"${text}" is no facility: write mail, daemon or local0 to local7`);
  return number;
}

/** What all entries are given: a severity, maybe with a facility of its own. */
export interface Priority {
  /** 0 to 7 */
  readonly severity: number;
  /** null: that of the option facility */
  readonly facility: number | null;
}

/** A name, or a number of syslog(3): 0 to 7, with eight times the facility on top. @throws OptionError */
export function readPriority(text: string): Priority {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number > 191) throw new OptionError(`${text} is not between 0 and 191`);
    return { severity: number % 8, facility: number < 8 ? null : Math.floor(number / 8) };
  }
  const name = plainName(text);
  for (const severity of Object.values(logLevels)) {
    if (logLevelOf(severity) === name) return { severity, facility: null };
  }
  throw new OptionError(`"${text}" is no priority: write one such as info or LOG_NOTICE`);
}

export const wayNames = ['logger', 'stream', 'tcp', 'udp'] as const;
export type WayName = (typeof wayNames)[number];

/** What a word of logsock means here; a text says why there is no such thing. */
const ways: Readonly<Record<string, readonly WayName[] | string>> = {
  native: ['logger'],
  unix: ['logger'],
  stream: ['stream'],
  tcp: ['tcp'],
  udp: ['udp'],
  inet: ['tcp', 'udp'],
  console: "the console is nobody's log: leave logsock out, or have the syslog daemon write to the console",
  pipe: 'there are no pipes to syslog daemons any more: leave logsock out, or write stream',
  eventlog: 'there is no event log on this system: leave logsock out',
  win32: 'there is no event log on this system: leave logsock out',
};

/** Ways in the order in which they are tried. @throws OptionError */
export function readWays(text: string): readonly WayName[] {
  const found = text.split(',').flatMap((word) => {
    const name = word.trim().toLowerCase();
    const meant = Object.hasOwn(ways, name) ? ways[name] : undefined;
    if (meant === undefined) throw unknownWay(word);
    if (typeof meant === 'string') throw new OptionError(`"${word}": ${meant}`);
    return meant;
  });
  return [...new Set(found)];
}

function unknownWay(word: string): OptionError {
  // Sys::Syslog took a second word for the path or the host.
  if (word.startsWith('/')) return new OptionError(`a path has its own word: write socket ${word}`);
  if (/[.\d]/.test(word)) return new OptionError(`a host has its own word: write host ${word}`);
  return new OptionError(`"${word}" is none of native, unix, stream, tcp, udp, inet`);
}

/** Stands before each entry, so it has the characters that daemons know as the end of a name. @throws OptionError */
export function readIdent(text: string): string {
  if (/^[\w./-]{1,32}$/.test(text)) return text;
  throw new OptionError(`"${text}" is not 1 to 32 letters, digits and any of - . / _`);
}

/** An option that is read by one of these. */
export function wordOption<T>(
  parse: (text: string) => T,
  spec: { readonly form: string; readonly doc: string; readonly default: T; readonly shownDefault: string },
): Option<T> {
  return { ...spec, required: false, rest: false, parse };
}
