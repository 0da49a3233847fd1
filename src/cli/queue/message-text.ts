// Messages of a spool as text: a table with a line for each, all that is known of one, and JSON for programs. What
// strangers have written is made harmless for a terminal.

import { printable } from '../../protocol/reply.ts';
import type { Listed, MessageView, RecipientView } from '../../spool/spool-desk.ts';

const WIDTHS = [23, 8, 9, 6, 12];
const DAY_S = 86_400;

/** @param now against which times are told */
export async function* tableLines(messages: AsyncIterable<Listed>, now: Date): AsyncIterable<string> {
  let count = 0;
  let octets = 0;
  for await (const message of messages) {
    if (count === 0) yield row(['NAME', 'AGE', 'SIZE', 'TRIES', 'NEXT TRY'], 'SENDER > RECIPIENTS');
    count++;
    if ('problem' in message) {
      yield row([message.id, '', '', '', 'never'], message.problem);
      continue;
    }
    octets += message.size;
    const { id, received, size, attempts, sender } = message;
    const cells = [id, span(now.getTime() - received.getTime()), sizeText(size), String(attempts)];
    yield row([...cells, nextText(message, now)], `${text(sender)} > ${recipientsText(message.recipients)}`);
  }
  yield count === 0
    ? 'The queue is empty.'
    : `${count} ${count === 1 ? 'message' : 'messages'}, ${sizeText(octets)}`;
}

export function messageText(message: Listed): string {
  if ('problem' in message) return `Name:       ${message.id}\nProblem:    ${message.problem}`;
  const { id, shelf, received, size, sender, client, params, attempts, next, recipients, header } = message;
  const lines = [
    `Name:       ${id}${shelf === 'queue' ? '' : ` (in ${shelf})`}`,
    `Received:   ${received.toISOString()} from ${text(client)}`,
    `Size:       ${size}`,
    `Sender:     ${text([sender, ...params].join(' '))}`,
    `Tries:      ${attempts}`,
    `Next try:   ${next === null ? 'as soon as possible' : next.toISOString()}`,
    ...recipients.map(
      ({ address, result, answer }) =>
        `Recipient:  ${text(address)} ${result}${answer === '' ? '' : `: ${text(answer)}`}`,
    ),
    '',
    ...header.split(/\r?\n/).map((line) => printable(line.replaceAll('\t', '        '))),
  ];
  return lines.join('\n').trimEnd();
}

export function jsonOf(message: Listed): string {
  return JSON.stringify(message);
}

/** The same for a list: without the header. */
export function shortJsonOf(message: Listed): string {
  return JSON.stringify({ ...message, header: undefined });
}

function row(cells: readonly string[], last: string): string {
  return [...cells.map((cell, at) => cell.padEnd(WIDTHS[at] ?? 0)), last].join('  ').trimEnd();
}

function nextText({ shelf, next }: MessageView, now: Date): string {
  if (shelf === 'hold') return 'held';
  if (next === null || next <= now) return 'now';
  return `in ${span(next.getTime() - now.getTime())}`;
}

function recipientsText(recipients: readonly RecipientView[]): string {
  const waiting = recipients.filter(({ result }) => result === 'waiting' || result === 'deferred');
  const [first, ...others] = waiting.length > 0 ? waiting : recipients;
  if (first === undefined) return '';
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `${text(first.address)}${more}${first.answer === '' ? '' : `: ${text(first.answer)}`}`;
}

/** `5 min`, `3 h`, `2 d` */
function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * DAY_S ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / DAY_S)} d`;
}

function sizeText(octets: number): string {
  if (octets < 10_000) return `${octets} B`;
  if (octets < 10_000_000) return `${Math.round(octets / 1000)} kB`;
  return `${Math.round(octets / 1_000_000)} MB`;
}

/** Letters of all scripts stay; controls, and marks that turn the direction of text, do not. */
function text(given: string): string {
  return given.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
