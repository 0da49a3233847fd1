// What a plugin must know that hands a message to another host: whether that one has to take SMTPUTF8.

import type { Envelope } from './connection.ts';

const BEYOND_ASCII = /[^\x00-\x7f]/;

/**
 * Whether a message can be handed on only to a host with SMTPUTF8 (RFC 6531): its client has said the parameter,
 * and an address or the header is beyond ASCII. Without the parameter it goes as it came, as it always did. A host
 * without SMTPUTF8 gets the others with `Address.toAscii()` and without the parameter.
 */
export function needsSmtpUtf8(
  message: Pick<Envelope, 'sender' | 'recipients' | 'params' | 'header'>,
): boolean {
  if (!message.params.has('SMTPUTF8')) return false;
  if (message.sender.needsUtf8 || message.recipients.some((recipient) => recipient.needsUtf8)) return true;
  return message.header.toBuffers().some((piece) => BEYOND_ASCII.test(piece.toString('latin1')));
}
