// Batched SMTP as Exim has it (exim(8), option -bS): commands without answers, lines that end with LF, and complaints
// whose first line is a reply of SMTP.

import { type Address, type EnhancedStatus, type Envelope, type MessageContent, printable } from 'qpsmtpd';
import { addressText } from './_handed-address.ts';

export interface Complaint {
  readonly isPermanent: boolean;
  /** three digits */
  readonly code: string;
  readonly status: EnhancedStatus;
  readonly text: string;
}

// Where Exim gives none: what it says 501 to is an address.
const statusOfCode: Readonly<Record<string, EnhancedStatus>> = {
  452: '4.5.3',
  501: '5.1.3',
  550: '5.7.1',
  552: '5.3.4',
};

const LF = 0x0a;
const DOT = 0x2e;

/** All that stands above the message. @throws UnfitAddressError */
export function bsmtpCommands(me: string, { sender, recipients }: Envelope): Buffer {
  const lines = [
    `HELO ${printable(me).replaceAll(' ', '-')}`,
    `MAIL FROM:<${smtpText(sender)}>`,
    ...recipients.map((each) => `RCPT TO:<${smtpText(each)}>`),
    'DATA',
  ];
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8');
}

// Batched SMTP has no SMTPUTF8. A domain can do without it.
function smtpText(address: Address): string {
  return addressText(address.toAscii() ?? address, 'quoted');
}

/** Commands, message with a dot before each line that begins with one, and the end mark. */
export async function* bsmtpText(commands: Buffer, content: MessageContent): AsyncIterable<Buffer> {
  yield commands;
  let atLineStart = true;
  for await (const chunk of content.inMemory('lf') ?? content.chunks('lf')) {
    if (chunk.length === 0) continue;
    yield stuffed(chunk, atLineStart);
    atLineStart = chunk[chunk.length - 1] === LF;
  }
  yield Buffer.from(`${atLineStart ? '' : '\n'}.\nQUIT\n`);
}

function stuffed(chunk: Buffer, atLineStart: boolean): Buffer {
  const beginsWithDot = atLineStart && chunk[0] === DOT;
  if (!beginsWithDot && chunk.indexOf('\n.') < 0) return chunk;
  const text = chunk.toString('latin1').replaceAll('\n.', '\n..');
  return Buffer.from(beginsWithDot ? `.${text}` : text, 'latin1');
}

/** The reply of SMTP that a complaint begins with; null when there is none. */
export function readComplaint(said: string): Complaint | null {
  const [, digits, status, text = ''] =
    /^[ \t]*([45]\d\d)[ -](?:([245]\.\d{1,3}\.\d{1,3}) )?[ \t]*(.*)$/m.exec(said) ?? [];
  if (digits === undefined) return null;
  // Exim says 550 also where its configuration defers; a status that is written there knows better.
  const isPermanent = digits.startsWith('5') && status?.startsWith('4') !== true;
  const usual = statusOfCode[digits] ?? (isPermanent ? '5.3.0' : '4.3.0');
  const isSame = status?.startsWith(isPermanent ? '5' : '4') === true;
  return {
    isPermanent,
    code: digits,
    status: isSame ? (status as EnhancedStatus) : usual,
    text: printable(text.trim()),
  };
}
