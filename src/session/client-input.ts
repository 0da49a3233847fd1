// What a client sends, as lines with a limit.

import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import type { Line } from '../protocol/line-reader.ts';
import { TransferPace } from './pace.ts';
import type { Session } from './session.ts';
import type { Chunk } from './wire.ts';

/** With its line end; RFC 4954 section 4. */
export const LONGEST_AUTH_LINE = 12_288;
const CRLF_LENGTH = 2;

/** The next command line, null while it has not come whole. */
export function takeLine({ engine, input, connection, mechanisms }: Session): Line | null {
  // RFC 5321 section 4.5.3.1.4: extensions, and with them longer lines, come with EHLO (and LHLO).
  const longest = engine.store.value('max_command_line');
  const isExtended = connection.hello !== null && connection.hello.verb !== 'helo';
  const limit = isExtended ? longest : Math.min(512, longest);
  if (mechanisms.length === 0 || limit >= LONGEST_AUTH_LINE) return input.next(limit);
  // Bearer tokens are long, and clients send them with the command.
  const line = input.next(LONGEST_AUTH_LINE);
  if (line === null || line === 'too-long' || line.text.length + CRLF_LENGTH <= limit) return line;
  return /^auth /i.test(line.text) ? line : 'too-long';
}

/** The next octets in the middle of a message, which has to keep up a pace. */
export function readMessage(session: Session, now = session.limits.now(), since = now): Awaitable<Chunk> {
  const { limits } = session;
  return whenReady(session.read(now, since), (chunk) => {
    if (typeof chunk === 'string') return chunk;
    session.pace ??= new TransferPace();
    session.pace.note(chunk.length, limits.now() - now);
    if (!session.pace.isKnown || session.pace.rate >= limits.transferRate) return chunk;
    session.log('warn', 'fail, the message comes too slowly');
    return 'timeout';
  });
}

/** Takes what has come, or that nothing will: the session then ends. */
export function takeChunk(session: Session, chunk: Chunk): void {
  if (chunk === 'timeout') {
    const why = session.limits.isOver ? 'you have been here for too long' : 'no command came for too long';
    session.reply({ code: 421, status: '4.4.2', lines: [why] });
    session.end('timeout');
  } else if (chunk === 'ended') {
    session.end('lost');
  } else {
    session.input.push(chunk);
  }
}
