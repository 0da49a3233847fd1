// The message that tells a sender what has become of his: multipart/report (RFC 6522) with a text for people, the fields
// of RFC 3464 for programs, and the message or its header. It has the null sender, so that nobody reports on it.

import { needsSmtpUtf8 } from '../contract/smtputf8.ts';
import { Address } from '../protocol/address.ts';
import { formatDate } from '../protocol/trace-fields.ts';
import type { ReportKind } from './outcome-log.ts';
import type { QueueEntry } from './queue-entry.ts';
import { type QueuedContent, readContent } from './queued-content.ts';
import type { QueuedEnvelope } from './queued-envelope.ts';
import {
  addressText,
  answerText,
  messageFields,
  type ReportScope,
  recipientFields,
} from './report-fields.ts';
import { newToken } from './spool-place.ts';

export interface ReportRequest {
  readonly id: string;
  readonly kind: ReportKind;
  readonly entry: QueueEntry;
  /** places of the recipients that it is about */
  readonly of: readonly number[];
  /** config/me */
  readonly me: string;
  readonly now: Date;
  /** milliseconds since 1970 */
  readonly retryUntil: number;
}

export interface Report {
  readonly envelope: QueuedEnvelope;
  readonly content: Buffer;
}

// A bigger message is not sent back whole, whatever the sender wishes.
const LARGEST_RETURN = 50_000;

/** @throws the file system's error */
export async function makeReport(request: ReportRequest): Promise<Report> {
  const { entry, kind, me, retryUntil } = request;
  const original = await readContent(entry);
  const isGlobal = needsSmtpUtf8({
    sender: entry.envelope.sender,
    params: entry.envelope.params,
    recipients: entry.envelope.recipients.map(({ address }) => address),
    header: original.header,
  });
  const scope: ReportScope = { kind, me, isGlobal, retryUntil };
  const returned = returnedPart(entry, kind, original, isGlobal);
  const boundary = `=_${newToken()}${newToken()}${newToken()}`;
  const text = [
    ...head(request, scope, boundary),
    `--${boundary}`,
    ...textPart(request, scope),
    `--${boundary}`,
    ...statusPart(request, scope),
    `--${boundary}`,
    ...returned.head,
    '',
    '',
  ].join('\r\n');
  const content = Buffer.concat([
    Buffer.from(text),
    ...returned.content,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { envelope: reportEnvelope(request, content, isGlobal), content };
}

function reportEnvelope(
  { entry, me, now }: ReportRequest,
  content: Buffer,
  isGlobal: boolean,
): QueuedEnvelope {
  const { sender, params } = entry.envelope;
  const isEightBit = content.some((octet) => octet > 0x7f);
  const reportParams = new Map<string, string | true>([['BODY', isEightBit ? '8BITMIME' : '7BIT']]);
  if (isGlobal) reportParams.set('SMTPUTF8', true);
  // RFC 8689 section 5: the report tells of a message that must not be read on the way.
  if (params.has('REQUIRETLS')) reportParams.set('REQUIRETLS', true);
  return {
    received: now.getTime(),
    sender: Address.nullSender,
    params: reportParams,
    // RFC 3461 section 6.1: nobody wants to hear of the fate of a report.
    recipients: [
      { address: isGlobal ? sender : (sender.toAscii() ?? sender), params: new Map([['NOTIFY', 'NEVER']]) },
    ],
    client: {
      ...{ id: entry.id, remoteIp: '127.0.0.1', remotePort: 0, remoteHost: me, remoteInfo: me },
      ...{ localIp: '127.0.0.1', localPort: 0, service: { tls: false, lmtp: false } },
      ...{ hello: { verb: 'ehlo', host: me }, forwarded: null, tls: null, authentication: null },
      relayClient: true,
    },
  };
}

const subjects: Readonly<Record<ReportKind, string>> = {
  failure: 'Your message could not be delivered',
  delay: 'Your message is late',
  success: 'Your message was passed on',
};

function head(
  { entry, id, now }: ReportRequest,
  { kind, me, isGlobal }: ReportScope,
  boundary: string,
): string[] {
  const type = isGlobal ? 'global-delivery-status' : 'delivery-status';
  return [
    `Date: ${formatDate(now)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${me}>`,
    `To: <${addressText(entry.envelope.sender, { isGlobal })}>`,
    `Subject: ${subjects[kind]}`,
    `Message-ID: <${id}@${me}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=${type};`,
    `\tboundary="${boundary}"`,
    '',
    'This is a report on the delivery of a message, in MIME format.',
    '',
  ];
}

const openings: Readonly<Record<ReportKind, readonly string[]>> = {
  failure: [
    'your message could not be delivered to the recipients below. Nothing more will be',
    'tried for them.',
  ],
  delay: [
    'your message has not yet been delivered to the recipients below. It is still being',
    'tried: you need not send it again.',
  ],
  success: [
    'your message was handed on for the recipients below, to a system that does not tell',
    'what becomes of it there.',
  ],
};

function textPart({ entry, of }: ReportRequest, scope: ReportScope): string[] {
  const { envelope, state } = entry;
  const lines = of.flatMap((place) => {
    const recipient = envelope.recipients[place];
    const known = state.recipients[place];
    if (recipient === undefined || known === undefined) return [];
    const address = `<${addressText(recipient.address, scope)}>`;
    const answer = answerText(known);
    return answer === '' ? [address] : [`${address}:`, `    ${answer}`];
  });
  return [
    `Content-Type: text/plain; charset=${scope.isGlobal ? 'utf-8' : 'us-ascii'}`,
    ...(scope.isGlobal ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    `This is the mail server ${scope.me}:`,
    ...openings[scope.kind],
    '',
    ...lines,
    '',
  ];
}

function statusPart({ entry, of }: ReportRequest, scope: ReportScope): string[] {
  const { envelope, state } = entry;
  const groups = of.flatMap((place) => {
    const recipient = envelope.recipients[place];
    const known = state.recipients[place];
    return recipient === undefined || known === undefined ? [] : [recipientFields(recipient, known, scope)];
  });
  return [
    `Content-Type: message/${scope.isGlobal ? 'global-delivery-status' : 'delivery-status'}`,
    ...(scope.isGlobal ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    ...messageFields(envelope, scope),
    ...groups.flatMap((fields) => ['', ...fields]),
    '',
  ];
}

interface ReturnedPart {
  readonly head: readonly string[];
  readonly content: readonly Buffer[];
}

function returnedPart(
  entry: QueueEntry,
  kind: ReportKind,
  { header, content }: QueuedContent,
  isGlobal: boolean,
): ReturnedPart {
  const whole = kind === 'failure' && mayReturnWhole(entry) ? content.inMemory('crlf') : null;
  const octets = whole ?? header.toBuffers();
  const type =
    whole === null
      ? isGlobal
        ? 'message/global-headers'
        : 'text/rfc822-headers'
      : isGlobal
        ? 'message/global'
        : 'message/rfc822';
  const isEightBit = octets.some((piece) => piece.some((octet) => octet > 0x7f));
  const encoding = isEightBit ? ['Content-Transfer-Encoding: 8bit'] : [];
  return { head: [`Content-Type: ${type}`, ...encoding], content: octets };
}

/** Small enough, wanted, and fit to be a part of a message of lines. */
function mayReturnWhole({ envelope, contentSize }: QueueEntry): boolean {
  const { params } = envelope;
  const word = (name: string) => String(params.get(name)).toUpperCase();
  if (params.has('REQUIRETLS') || word('BODY') === 'BINARYMIME') return false;
  return word('RET') !== 'HDRS' && contentSize <= LARGEST_RETURN;
}
