// QMQP (cr.yp.to/proto/qmqp.html): one netstring that holds message, sender and recipients as netstrings, and a netstring
// as the answer. The message has LF line ends; its length goes before it.

import type { Address, MessageContent } from 'qpsmtpd';
import { addressOctets } from './_handed-address.ts';
import { PeerError } from './_peer.ts';

export interface QmqpAnswer {
  readonly kind: 'K' | 'Z' | 'D';
  readonly text: string;
}

const COMMA = Buffer.from(',');
const LONGEST_ANSWER = 10_000;

/** Octets of the message as it will be sent: known only once its line ends have been converted. */
export async function lengthOf(content: MessageContent): Promise<number> {
  let length = 0;
  for await (const chunk of content.inMemory('lf') ?? content.chunks('lf')) length += chunk.length;
  return length;
}

export interface Envelope {
  readonly sender: Address;
  readonly recipients: readonly Address[];
}

/** What goes before a message of that length, and what goes behind it. @throws UnfitAddressError */
export function frame({ sender, recipients }: Envelope, length: number): { before: Buffer; behind: Buffer } {
  const addresses = [sender, ...recipients].map((each) => netstring(addressOctets(each, 'plain')));
  const behind = Buffer.concat([COMMA, ...addresses]);
  const head = Buffer.from(`${length}:`);
  const whole = head.length + length + behind.length;
  return { before: Buffer.concat([Buffer.from(`${whole}:`), head]), behind: Buffer.concat([behind, COMMA]) };
}

function netstring(octets: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${octets.length}:`), octets, COMMA]);
}

/** The answer; null while more has to come. @throws PeerError */
export function readAnswer(octets: Buffer): { value: QmqpAnswer; used: number } | null {
  const colon = octets.indexOf(':');
  const digits = octets.toString('latin1', 0, colon < 0 ? octets.length : colon);
  if (!/^\d{0,5}$/.test(digits) || Number(digits) > LONGEST_ANSWER)
    throw new PeerError('does not speak QMQP');
  if (colon < 0) return null;
  const end = colon + 1 + Number(digits);
  if (octets.length <= end) return null;
  const [, kind, text = ''] = /^([KZD])(.*)$/s.exec(octets.toString('latin1', colon + 1, end)) ?? [];
  if (kind === undefined || octets[end] !== COMMA[0]) throw new PeerError('does not speak QMQP');
  return { value: { kind: kind as QmqpAnswer['kind'], text }, used: end + 1 };
}
