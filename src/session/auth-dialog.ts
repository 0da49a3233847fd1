// Carries a SASL exchange over the wire (RFC 4954 section 4): challenges in 334 replies, responses in lines of their
// own. What a client sends here is neither logged nor kept: it may be a password.

import type { Exchange } from '../protocol/auth-exchange.ts';
import { decodeBase64 } from '../protocol/auth-text.ts';
import type { Line } from '../protocol/line-reader.ts';
import { LONGEST_AUTH_LINE, takeChunk } from './client-input.ts';
import type { Session } from './session.ts';

// RFC 5321 section 4.5.3.1.5: 512 octets with code, blank and CRLF.
const LONGEST_CHALLENGE = 506;

/** To the end of the exchange. Null when it was broken off: the client then has its answer, or is gone. */
export async function carry<R>(session: Session, exchange: Exchange<R>): Promise<R | null> {
  let step = exchange.next();
  while (!step.done) {
    const response = await challenge(session, step.value);
    if (response === null) return null;
    step = exchange.next(response);
  }
  return step.value;
}

async function challenge(session: Session, octets: Buffer): Promise<Buffer | null> {
  const line = await askForLine(session, octets);
  if (line === null) return null;
  if (line === 'too-long') {
    session.log('info', 'fail, a line of AUTH is too long');
    session.reply({ code: 500, status: '5.5.6', lines: ['line is too long'] });
    return null;
  }
  if (line.text === '*') {
    session.log('info', 'fail, the client has broken off AUTH');
    session.reply({ code: 501, status: '5.7.0', lines: ['AUTH is broken off, as you wish'] });
    return null;
  }
  return readBase64(session, line.text);
}

/** A response as octets; null with an answer to the client where it is none. */
export function readBase64(session: Session, text: string): Buffer | null {
  const octets = decodeBase64(text);
  if (octets === null) {
    session.log('info', 'fail, a line of AUTH is not base64');
    session.reply({ code: 501, status: '5.5.2', lines: ['that is not base64'] });
  }
  return octets;
}

/** Sends a challenge and waits for its answer, which does not matter. */
export async function sayLast(session: Session, octets: Buffer): Promise<void> {
  await askForLine(session, octets);
}

async function askForLine(session: Session, octets: Buffer): Promise<Line | null> {
  const text = octets.toString('base64');
  if (text.length > LONGEST_CHALLENGE) throw new Error('a challenge does not fit into one line');
  session.reply({ code: 334, lines: [text] });
  const since = session.limits.now();
  while (session.ended === null) {
    const line = session.input.next(LONGEST_AUTH_LINE);
    if (line !== null) return line;
    takeChunk(session, await session.read(session.limits.now(), since));
  }
  session.log('info', 'fail, the client left in the middle of AUTH');
  return null;
}
