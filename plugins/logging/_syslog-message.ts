// Entries as messages of syslog (RFC 3164): a priority, and text of one line that is short enough for every daemon.

import { formatLogLine, type LogEntry, logLevels, printable } from 'qpsmtpd';
import type { Priority } from './_syslog-names.ts';

export interface SyslogMessage {
  /** eight times the facility, and the severity */
  readonly priority: number;
  /** printable ASCII */
  readonly text: string;
  readonly time: Date;
}

export interface Sender {
  readonly ident: string;
  readonly pid: number;
  /** the name of this host, without its domain */
  readonly host: string;
  readonly facility: number;
  /** null: each entry has that of its level */
  readonly priority: Priority | null;
}

// Daemons may cut what is longer (RFC 3164 section 4.1), and some do; logger(1) does so itself, and takes what is behind
// the cut for a line of its own, with a priority if it begins like one.
const LONGEST_MESSAGE = 1024;
const PRIORITY_AND_TIME = '<191>Jan  1 00:00:00 '.length;
const CUT = ' ...';
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** Gives the messages of an entry: more than one where it is long, each with the id of the entry. */
export function messageMaker(sender: Sender): (entry: LogEntry) => readonly SyslogMessage[] {
  const { facility, priority } = sender;
  // Those without a host get one on their way.
  const room = LONGEST_MESSAGE - PRIORITY_AND_TIME - sender.host.length - 1 - tagOf(sender).length - 1;
  return (entry) => {
    const severity = priority?.severity ?? logLevels[entry.level];
    const number = 8 * (priority?.facility ?? facility) + severity;
    const text = printable(formatLogLine(entry));
    const { time } = entry;
    if (text.length <= room) return [{ priority: number, text, time }];
    return pieces(text, entry.id, room).map((piece) => ({ priority: number, text: piece, time }));
  };
}

/** `ID (hook) plugin: text ...`, `ID ... more text`: nothing is lost, and who looks for the id finds all of it. */
function pieces(text: string, id: string, room: number): string[] {
  const found = [];
  let rest = text;
  while (rest.length > room) {
    const end = room - CUT.length;
    found.push(`${rest.slice(0, end)}${CUT}`);
    rest = `${id}${CUT} ${rest.slice(end)}`;
  }
  return [...found, rest];
}

/** As it goes to a socket of this host, or with the name of the host to others. */
export function showMessage(message: SyslogMessage, sender: Sender, withHost: boolean): string {
  const host = withHost ? `${sender.host} ` : '';
  return `<${message.priority}>${showTime(message.time)} ${host}${tagOf(sender)} ${message.text}`;
}

/** Daemons want a number in the brackets, so that of the client stands in the text. */
function tagOf({ ident, pid }: Sender): string {
  return `${ident}[${pid}]:`;
}

/** `Nov  3 09:05:00` in local time, whatever the language. */
function showTime(time: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = String(time.getDate()).padStart(2);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${MONTHS[time.getMonth()]} ${day} ${clock}`;
}
