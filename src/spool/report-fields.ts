// The part of a delivery report that programs read: message/delivery-status (RFC 3464 section 2), or its form for
// addresses beyond ASCII, message/global-delivery-status (RFC 6533 section 3).

import type { Address } from '../protocol/address.ts';
import { printable } from '../protocol/reply.ts';
import { formatDate } from '../protocol/trace-fields.ts';
import { decodeXtext } from '../protocol/xtext.ts';
import type { RecipientState, ReportKind } from './outcome-log.ts';
import type { QueuedEnvelope, QueuedRecipient } from './queued-envelope.ts';

export interface ReportScope {
  readonly kind: ReportKind;
  /** config/me */
  readonly me: string;
  /** may hold UTF-8 */
  readonly isGlobal: boolean;
  /** milliseconds since 1970 */
  readonly retryUntil: number;
}

const LONGEST_TEXT = 500;
const actions: Readonly<Record<ReportKind, string>> = {
  failure: 'failed',
  delay: 'delayed',
  success: 'relayed',
};

/** Lines of the fields on the message as a whole. */
export function messageFields({ params, received }: QueuedEnvelope, { me }: ReportScope): string[] {
  const envelopeId = params.get('ENVID');
  const original = typeof envelopeId === 'string' ? decodeXtext(envelopeId) : null;
  return [
    ...(original === null ? [] : [`Original-Envelope-Id: ${printable(original)}`]),
    `Reporting-MTA: dns; ${me}`,
    `Arrival-Date: ${formatDate(new Date(received))}`,
  ];
}

/** Lines of the fields on one recipient. */
export function recipientFields(
  { address, params }: QueuedRecipient,
  state: RecipientState,
  scope: ReportScope,
): string[] {
  const original = params.get('ORCPT');
  const text = answerText(state);
  return [
    ...(typeof original === 'string' ? [`Original-Recipient: ${originalRecipient(original, scope)}`] : []),
    `Final-Recipient: ${typedAddress(address, scope)}`,
    `Action: ${actions[scope.kind]}`,
    `Status: ${statusOf(state)}`,
    ...(text === '' ? [] : [`Diagnostic-Code: smtp; ${text}`]),
    `Last-Attempt-Date: ${formatDate(new Date(state.at))}`,
    ...(scope.kind === 'delay' ? [`Will-Retry-Until: ${formatDate(new Date(scope.retryUntil))}`] : []),
  ];
}

/** `550 5.1.1 no such user`; the code of a plugin's own refusal is the usual one of its kind. */
export function answerText({ result, code: given, status, text }: RecipientState): string {
  const code = String(given ?? { delivered: 250, failed: 550, deferred: 450, waiting: '' }[result]);
  const words = printable(text.replace(/\s+/g, ' ').trim()).slice(0, LONGEST_TEXT);
  return [code, status, words].filter((part) => part !== '').join(' ');
}

export function addressText(address: Address, { isGlobal }: Pick<ReportScope, 'isGlobal'>): string {
  if (isGlobal) return address.toString();
  const ascii = address.toAscii();
  return ascii === null ? escaped(address.toString()) : ascii.toString();
}

function statusOf({ status, result }: RecipientState): string {
  return status === ''
    ? { delivered: '2.0.0', failed: '5.0.0', deferred: '4.0.0', waiting: '4.0.0' }[result]
    : status;
}

function typedAddress(address: Address, scope: ReportScope): string {
  const type = address.isAscii || (!scope.isGlobal && !address.needsUtf8) ? 'rfc822' : 'utf-8';
  return `${type}; ${addressText(address, scope)}`;
}

/** As the sender has given it: `TYPE;xtext`. */
function originalRecipient(value: string, { isGlobal }: ReportScope): string {
  const [type = '', ...rest] = value.split(';');
  const given = rest.join(';');
  const octets = type.toLowerCase() === 'utf-8' ? given : (decodeXtext(given) ?? given);
  const text = octets.replace(/[\x00-\x1f\x7f]/g, '?');
  return `${printable(type)}; ${isGlobal ? text : escaped(text)}`;
}

/** RFC 6533 section 3: characters beyond ASCII where only ASCII may stand. */
function escaped(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/gu,
    (character) => `\\x{${character.codePointAt(0)?.toString(16).toUpperCase()}}`,
  );
}
