// The file of a message: a line of fixed length that tells the sizes, the envelope as JSON, the content as it came, and
// what has been noted of its delivery (outcome-log.ts).

import { checksum } from './outcome-log.ts';

export interface EntryHead {
  readonly envelopeSize: number;
  readonly contentSize: number;
  /** of the envelope */
  readonly checksum: string;
}

const FORM = /^qpsmtpd-message 1 (\d{9}) (\d{15}) ([0-9a-f]{8})\n$/;
export const HEAD_SIZE = 'qpsmtpd-message 1 123456789 123456789012345 12345678\n'.length;

export function encodeHead(envelope: Buffer, contentSize: number): Buffer {
  const digits = (number: number, width: number) => String(number).padStart(width, '0');
  const sizes = `${digits(envelope.length, 9)} ${digits(contentSize, 15)}`;
  return Buffer.from(`qpsmtpd-message 1 ${sizes} ${checksum(envelope)}\n`);
}

/** null where it is none */
export function decodeHead(text: Buffer): EntryHead | null {
  const [, envelopeSize, contentSize, sum] = FORM.exec(text.toString('latin1', 0, HEAD_SIZE)) ?? [];
  if (envelopeSize === undefined || contentSize === undefined || sum === undefined) return null;
  return { envelopeSize: Number(envelopeSize), contentSize: Number(contentSize), checksum: sum };
}
