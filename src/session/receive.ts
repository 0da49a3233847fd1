// The octets of a message, behind the 354 of DATA or in the chunks of BDAT. A message that is refused half-way
// is read to its end and thrown away, so that the client hears why.

import { MessageReader, type ReaderState } from '../protocol/message-reader.ts';
import { refusesBareLf } from './bare-newline.ts';
import { readMessage } from './client-input.ts';
import { IncomingMessage } from './incoming-message.ts';
import { answerMessage } from './message-answer.ts';
import type { Session } from './session.ts';

/**
 * Reads the message up to its end mark. Gives false when it was not taken; the client then has its answer, if it
 * is still there.
 */
export async function receiveMessage(session: Session): Promise<boolean> {
  const reader = new MessageReader({ refuseBareLf: refusesBareLf(session) });
  const incoming = new IncomingMessage(session, await session.engine.lookup.value('databytes'));
  let state: ReaderState = 'more';
  while (state === 'more') {
    const chunk = session.input.takeAll() ?? (await readMessage(session));
    if (typeof chunk === 'string') return loseClient(session, chunk);
    const pieces: Buffer[] = [];
    state = reader.push(chunk, pieces);
    if (state === 'more' || state === 'end') await incoming.take(pieces);
    if (session.ended !== null) return false;
  }
  if (state !== 'end') return hangUpOn(session, state);
  if (reader.rest.length > 0) session.input.push(reader.rest);
  return completeMessage(session, incoming);
}

/** The last octet has come. Gives false when the message was not taken; the client then has its answer. */
export async function completeMessage(session: Session, incoming: IncomingMessage): Promise<boolean> {
  session.messages++;
  await incoming.complete();
  if (session.ended !== null) return false;
  if (incoming.refusal !== null) answerMessage(session, incoming.refusal);
  return incoming.refusal === null;
}

/** Reads exactly so many octets, in pieces as they come. Gives false when the session has ended before that. */
export async function receiveOctets(
  session: Session,
  size: number,
  take: (piece: Buffer) => Promise<void> | void,
): Promise<boolean> {
  for (let left = size; left > 0; ) {
    const piece = session.input.take(left);
    if (piece === null) {
      const chunk = await readMessage(session);
      if (typeof chunk === 'string') return loseClient(session, chunk);
      session.input.push(chunk);
      continue;
    }
    left -= piece.length;
    const taken = take(piece);
    if (taken !== undefined) await taken;
    if (session.ended !== null) return false;
  }
  return true;
}

function loseClient(session: Session, chunk: 'ended' | 'timeout'): false {
  if (chunk === 'timeout') {
    session.reply({ code: 421, status: '4.4.2', lines: ['the message did not come in time'] });
  } else {
    session.log('info', 'fail, the client left in the middle of its message');
  }
  session.end(chunk === 'timeout' ? 'timeout' : 'lost');
  return false;
}

/** The message is of a kind for which nobody stays: says so, and ends the session. */
export function hangUpOn(session: Session, state: 'smuggling' | 'bare-lf'): false {
  const [code, line] =
    state === 'smuggling'
      ? [421, 'a line with a single dot must have CRLF before and behind it']
      : [521, 'lines must end in CRLF, not in a bare LF'];
  session.log(
    'warn',
    `fail, ${state === 'smuggling' ? 'lone dot with a wrong line end' : 'bare LF'} in the message`,
  );
  session.reply({ code, status: code === 421 ? '4.5.2' : '5.5.2', lines: [line] });
  session.end('denied');
  return false;
}
