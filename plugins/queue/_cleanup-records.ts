// How Postfix's programs write to each other: attributes (names and values, each ended by NUL; an empty name ends the
// list), and records of queue files (a letter, the length in base 128, the octets): attr_print0.c, record.c, rec_type.h.

import { PeerError } from './_peer.ts';

/** Letters of the records that go to cleanup. */
export const recordType = {
  time: 'T',
  attribute: 'A',
  sender: 'S',
  recipient: 'R',
  message: 'M',
  line: 'N',
  /** a line that goes on in the next record */
  part: 'L',
  extracted: 'X',
  end: 'E',
} as const;

export function attributes(values: Readonly<Record<string, string | number>>): Buffer {
  const words = Object.entries(values).flat().map(String);
  return Buffer.from(`${words.join('\0')}\0\0`, 'latin1');
}

/** A list of attributes; null while more has to come. @throws PeerError */
export function readAttributes(octets: Buffer): { value: ReadonlyMap<string, string>; used: number } | null {
  const value = new Map<string, string>();
  let at = 0;
  const word = () => {
    const end = octets.indexOf(0, at);
    if (end < 0) return null;
    const text = octets.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  for (;;) {
    const name = word();
    if (name === null) return null;
    if (name === '') return { value, used: at };
    if (!/^[\w-]+$/.test(name)) throw new PeerError('does not speak the protocol of cleanup');
    const text = word();
    if (text === null) return null;
    value.set(name, text);
  }
}

/** @param octets text is written as UTF-8 */
export function record(type: string, octets: string | Buffer = ''): Buffer {
  const body = typeof octets === 'string' ? Buffer.from(octets, 'utf8') : octets;
  const head = [type.charCodeAt(0)];
  let length = body.length;
  for (; length >= 128; length >>>= 7) head.push((length & 127) | 128);
  return Buffer.concat([Buffer.from([...head, length]), body]);
}
