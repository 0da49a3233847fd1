// What the server says, as a value until the last moment. formatReply is the one place that writes reply
// lines, so that no text of a plugin, a config file or the DNS can add a line or a control byte of its own.

import { type EnhancedStatus, statusForCode } from './enhanced-status.ts';

export interface Reply {
  /** 200 to 599, RFC 5321 section 4.2 */
  readonly code: number;
  /** written before the text of every line (RFC 2034 section 4); none in the greeting and where HELO or EHLO is taken */
  readonly status?: EnhancedStatus | undefined;
  /** without line ends; an empty list counts as one empty line */
  readonly lines: readonly string[];
}

// RFC 5321 section 4.5.3.1.5: a reply line has at most 512 octets with its CRLF.
const LONGEST_LINE = 510;
const NOT_PRINTABLE = /[^\x20-\x7e]/;
const EVERY_NOT_PRINTABLE = /[^\x20-\x7e]/g;
const BEGINS_WITH_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /;

/** Reply lines with CRLF. Everything outside of printable ASCII becomes `?`. */
export function formatReply({ code, status, lines }: Reply): string {
  const prefix = status === undefined ? '' : `${statusForCode(status, code)} `;
  if (lines.length > 0 && lines.every(isPlain)) {
    const end = lines.length - 1;
    let reply = '';
    for (let at = 0; at < end; at++) reply += `${code}-${prefix}${lines[at]}\r\n`;
    return `${reply}${code} ${prefix}${lines[end]}\r\n`;
  }
  const all = lines.flatMap((line) => disarm(line, prefix));
  if (all.length === 0) all.push(prefix);
  const last = all.length - 1;
  return all.map((text, at) => `${code}${at === last ? ' ' : '-'}${text}\r\n`).join('');
}

/** Makes text harmless for a reply line, a log line or a header comment: printable ASCII, `?` for the rest. */
export function printable(text: string): string {
  return NOT_PRINTABLE.test(text) ? text.replace(EVERY_NOT_PRINTABLE, '?') : text;
}

function isPlain(line: string): boolean {
  return line.length < 400 && !NOT_PRINTABLE.test(line) && !BEGINS_WITH_STATUS.test(line);
}

function disarm(line: string, prefix: string): string[] {
  const text = printable(line);
  // A plugin that wrote the status itself, as qpsmtpd's do in texts, is taken at its word.
  const lead = BEGINS_WITH_STATUS.test(text) ? '' : prefix;
  const room = LONGEST_LINE - 4 - lead.length;
  if (text.length <= room) return [lead + text];
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += room) parts.push(lead + text.slice(at, at + room));
  return parts;
}
