// BDAT, RFC 3030 section 2: a message in chunks of announced size, without end mark and dot-stuffing. Whatever the
// answer, the octets of a chunk are never read as commands. The hooks are those of DATA; `data` runs at the first
// chunk, and not for one that is out of place: behind a refused message such chunks are what a good client sends.

import { BareLfFinder } from '../../protocol/bare-lf.ts';
import { type ChunkCommand, parseBdatArgument } from '../../protocol/bdat-argument.ts';
import type { Reply } from '../../protocol/reply.ts';
import { acceptMessage } from '../accept.ts';
import { disconnects, replyFor } from '../answers.ts';
import { refusesBareLf } from '../bare-newline.ts';
import { type ChunkedMessage, isBinary } from '../chunked-message.ts';
import { IncomingMessage } from '../incoming-message.ts';
import { answerMessage } from '../message-answer.ts';
import { completeMessage, hangUpOn, receiveOctets } from '../receive.ts';
import type { Session } from '../session.ts';
import type { Verb } from '../verb.ts';

// Nobody mails so much: an unwanted chunk above it is not worth the line.
const MOST_DISCARDED = 256 * 1024 * 1024;
const SYNTAX = ['Syntax: BDAT size [LAST]'];
// A plugin that is DONE without a reply would leave the client waiting.
const NO_WORDS: Reply = { code: 451, status: '4.3.0', lines: ['message refused for now'] };

/** `open`: the transaction goes on. `over`: it has failed. `whole`: the message is there and may be accepted. */
type Outcome = 'open' | 'over' | 'whole';

export const bdat: Verb = {
  name: 'bdat',
  isOffered({ engine, connection }) {
    const { hello } = connection;
    return hello !== null && hello.verb !== 'helo' && engine.extensions().has('CHUNKING');
  },
  async run(session, argument) {
    const chunk = parseBdatArgument(argument);
    if (chunk === null) {
      // Nobody can tell where the chunk ends: what follows must not be taken for commands.
      session.reply({ code: 421, status: '4.5.4', lines: SYNTAX });
      return session.end('denied');
    }
    const outcome = await receiveChunk(session, chunk);
    if (outcome === 'open') return;
    try {
      if (outcome === 'whole') await acceptMessage(session);
    } finally {
      if (session.ended === null) await session.resetTransaction();
    }
  },
};

async function receiveChunk(session: Session, chunk: ChunkCommand): Promise<Outcome> {
  try {
    if (chunk.hasJunk) {
      if (await discard(session, chunk)) session.reply({ code: 501, status: '5.5.4', lines: SYNTAX });
      return 'over';
    }
    const problem = missingCommand(session);
    if (problem !== null) {
      if (await discard(session, chunk)) session.reply({ code: 503, status: '5.5.1', lines: [problem] });
      return 'open';
    }
    session.chunked ??= await begin(session, chunk);
    return session.chunked === null ? 'over' : await takeChunk(session, session.chunked, chunk);
  } catch (error) {
    // What is left of the chunk must never be read as commands.
    session.end('error');
    throw error;
  }
}

function missingCommand({ transaction }: Session): string | null {
  if (transaction.sender === null) return 'say MAIL first';
  return transaction.recipients.length === 0 ? 'say RCPT first' : null;
}

/** Asks whether the message may come; null when the client has its answer already. */
async function begin(session: Session, chunk: ChunkCommand): Promise<ChunkedMessage | null> {
  const verdict = await session.decide('data');
  if (verdict.code === 'OK' || verdict.code === 'DECLINED') {
    const refuses = refusesBareLf(session) && !isBinary(session.transaction);
    return {
      incoming: new IncomingMessage(session, await session.engine.lookup.value('databytes')),
      bareLf: refuses ? new BareLfFinder() : null,
    };
  }
  const reply = replyFor('data', verdict) ?? NO_WORDS;
  if (disconnects(verdict.code)) {
    session.reply(reply);
    session.end('denied');
  } else await refuse(session, chunk, reply);
  return null;
}

async function takeChunk(
  session: Session,
  { incoming, bareLf }: ChunkedMessage,
  chunk: ChunkCommand,
): Promise<Outcome> {
  incoming.announce(chunk.size);
  if (incoming.refusal !== null) {
    await refuse(session, chunk, incoming.refusal);
    return 'over';
  }
  const isThere = await receiveOctets(session, chunk.size, (piece) => {
    if (bareLf?.isIn(piece)) hangUpOn(session, 'bare-lf');
    else return incoming.take([piece]);
  });
  if (!isThere) return 'over';
  if (chunk.isLast) return (await completeMessage(session, incoming)) ? 'whole' : 'over';
  if (incoming.refusal !== null) {
    session.reply(incoming.refusal);
    return 'over';
  }
  if (chunk.size > 0) session.chunks++;
  session.reply({ code: 250, status: '2.0.0', lines: [`${chunk.size} octets received`] });
  return 'open';
}

/** The message fails with this chunk. */
async function refuse(session: Session, chunk: ChunkCommand, reply: Reply): Promise<void> {
  if (!(await discard(session, chunk))) return;
  if (chunk.isLast) answerMessage(session, reply);
  else session.reply(reply);
}

/** Throws a chunk away. Gives false when nobody is there any more to hear why. */
async function discard(session: Session, { size }: ChunkCommand): Promise<boolean> {
  if (size <= MOST_DISCARDED) return receiveOctets(session, size, () => {});
  session.end('denied');
  return true;
}
