// The content of a message on its way to a server: behind DATA (RFC 5321) or by BDAT (RFC 3030). Whatever is held in
// memory goes in one write, the rest in pieces as the server reads them.

import type { MessageContent } from '../contract/connection.ts';
import { DotStuffer } from '../protocol/dot-stuffing.ts';
import { isPositive, type ServerReply } from './server-reply.ts';
import type { SmtpChannel } from './smtp-channel.ts';

export interface Sending {
  readonly content: MessageContent;
  readonly lineEnds: 'crlf' | 'as-received';
  /** the content in these line ends when it is held in memory */
  readonly inMemory: readonly Buffer[] | null;
  readonly commandMs: number;
  readonly messageMs: number;
  /** answers to expect behind the end of the message: in LMTP one for each recipient */
  readonly answers: number;
  /** Told before the end of the message goes: from then on the server may have it. */
  commit(): void;
}

// One BDAT of a message that is read from a file.
const CHUNK_SIZE = 256 * 1024;
const NOTHING: readonly ServerReply[] = [];

/**
 * Sends what follows a 354. Gives the answers to the message, all that came before the connection was lost.
 * @throws SmugglingError, and whatever reading the content throws; the server then waits for the rest
 */
export async function sendData(channel: SmtpChannel, sending: Sending): Promise<readonly ServerReply[]> {
  const { content, inMemory, answers, commandMs, messageMs } = sending;
  const stuffer = new DotStuffer();
  let last: Buffer | string;
  if (inMemory !== null) {
    const pieces = inMemory.flatMap((piece) => stuffer.stuff(piece));
    last = Buffer.concat([...pieces, Buffer.from(stuffer.end(), 'latin1')]);
  } else {
    for await (const chunk of content.chunks('crlf')) {
      await channel.send(joined(stuffer.stuff(chunk)), commandMs);
      if (channel.failure !== null) return NOTHING;
    }
    last = stuffer.end();
  }
  if (channel.failure !== null) return NOTHING;
  sending.commit();
  return channel.exchange(last, answers, messageMs);
}

/** Gives the answers to the last chunk, or the refusal of one before it. @throws whatever reading the content throws */
export async function sendByBdat(channel: SmtpChannel, sending: Sending): Promise<readonly ServerReply[]> {
  const { content, lineEnds, inMemory, answers, commandMs, messageMs } = sending;
  let pieces: Buffer[] = [];
  let length = 0;
  const take = (piece: Buffer) => {
    pieces.push(piece);
    length += piece.length;
  };
  if (inMemory !== null) inMemory.forEach(take);
  else {
    for await (const chunk of content.chunks(lineEnds)) {
      take(chunk);
      if (length < CHUNK_SIZE) continue;
      const replies = await channel.exchange(bdat(pieces, length, ''), 1, commandMs);
      if (!replies.every(isPositive) || channel.failure !== null) return replies;
      pieces = [];
      length = 0;
    }
  }
  if (channel.failure !== null) return NOTHING;
  sending.commit();
  return channel.exchange(bdat(pieces, length, ' LAST'), answers, messageMs);
}

function bdat(pieces: readonly Buffer[], length: number, mark: '' | ' LAST'): Buffer {
  return Buffer.concat([Buffer.from(`BDAT ${length}${mark}\r\n`, 'latin1'), ...pieces]);
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [first, second] = pieces;
  return first !== undefined && second === undefined ? first : Buffer.concat(pieces);
}
