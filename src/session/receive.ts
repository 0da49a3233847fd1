// The message behind 354: into the transaction, header and body apart, under all limits. A message that is
// refused half-way is read to its end and thrown away, so that the client hears why.

import type { Verdict } from '../contract/verdict.ts';
import { HeaderSplitter, type SplitMessage } from '../protocol/header-splitter.ts';
import { MessageReader, type ReaderState } from '../protocol/message-reader.ts';
import type { Reply } from '../protocol/reply.ts';
import { disconnects, replyFor } from './answers.ts';
import { refusesBareLf } from './bare-newline.ts';
import type { Session } from './session.ts';

/** Reads the message. Gives false when it was not taken; the client then has its answer, if it is still there. */
export async function receiveMessage(session: Session): Promise<boolean> {
  const reader = new MessageReader({ refuseBareLf: refusesBareLf(session) });
  const incoming = new IncomingMessage(session, await session.engine.lookup.value('databytes'));
  let state: ReaderState = 'more';
  while (state === 'more') {
    const chunk = session.input.takeAll() ?? (await session.read());
    if (typeof chunk === 'string') return loseClient(session, chunk);
    const pieces: Buffer[] = [];
    state = reader.push(chunk, pieces);
    if (state === 'more' || state === 'end') await incoming.take(pieces);
    if (session.ended !== null) return false;
  }
  if (state !== 'end') return hangUpOn(session, state);
  if (reader.rest.length > 0) session.input.push(reader.rest);
  session.messages++;
  await incoming.complete();
  if (session.ended !== null) return false;
  if (incoming.refusal !== null) session.reply(incoming.refusal);
  return incoming.refusal === null;
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

function hangUpOn(session: Session, state: 'smuggling' | 'bare-lf'): false {
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

/** What has come of a message so far. Once there is a refusal, the rest is thrown away. */
class IncomingMessage {
  readonly #session: Session;
  readonly #databytes: number;
  readonly #splitter = new HeaderSplitter();
  #inHeader = true;
  #size = 0;
  #refusal: Reply | null = null;

  constructor(session: Session, databytes: number) {
    this.#session = session;
    this.#databytes = databytes;
  }

  get refusal(): Reply | null {
    return this.#refusal;
  }

  async take(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) this.#size += piece.length;
    if (this.#refusal !== null) return;
    if (this.#databytes > 0 && this.#size > this.#databytes) {
      this.#session.log('alert', `fail, message is bigger than databytes (${this.#databytes})`);
      return this.#refuse({ code: 552, status: '5.3.4', lines: ['message is too big'] });
    }
    if (!this.#inHeader) return this.#store(pieces);
    await this.#takeHeader(pieces);
  }

  /** The mark has come. */
  async complete(): Promise<void> {
    if (this.#refusal !== null) return;
    if (this.#inHeader) await this.#endHeader(this.#splitter.end(), []);
    if (this.#refusal === null) await this.#tryToStore(() => this.#session.transaction.body.finish());
  }

  async #takeHeader(pieces: readonly Buffer[]): Promise<void> {
    const limit = this.#session.engine.store.value('max_header_size');
    for (const [at, piece] of pieces.entries()) {
      const split = this.#splitter.push(piece);
      if ((split?.header.length ?? this.#splitter.size) > limit) {
        this.#session.log('warn', `fail, header is bigger than max_header_size (${limit})`);
        return this.#refuse({ code: 552, status: '5.3.4', lines: ['the header of the message is too big'] });
      }
      if (split !== null) return this.#endHeader(split, pieces.slice(at + 1));
    }
  }

  async #endHeader({ header, separator, body }: SplitMessage, more: readonly Buffer[]): Promise<void> {
    this.#inHeader = false;
    this.#session.transaction.setHeader(header, separator);
    this.#obey(await this.#session.decide('data_headers_end'));
    if (this.#refusal === null) await this.#store(body.length > 0 ? [body, ...more] : more);
  }

  #obey(verdict: Verdict): void {
    if (verdict.code === 'OK' || verdict.code === 'DECLINED') return;
    const reply = replyFor('data_headers_end', verdict);
    if (disconnects(verdict.code)) {
      if (reply !== null) this.#session.reply(reply);
      this.#session.end('denied');
    }
    // A plugin that is DONE without a reply would leave the client waiting.
    this.#refuse(reply ?? { code: 451, status: '4.3.0', lines: ['message refused for now'] });
  }

  async #store(pieces: readonly Buffer[]): Promise<void> {
    await this.#tryToStore(() => this.#session.transaction.body.append(pieces));
  }

  async #tryToStore(write: () => Promise<void> | undefined): Promise<void> {
    try {
      await write();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#session.log('crit', `error, cannot write to the spool: ${why}`);
      this.#refuse({
        code: 452,
        status: '4.3.1',
        lines: ['there is no room for the message now, try again later'],
      });
    }
  }

  #refuse(reply: Reply): void {
    this.#refusal = reply;
  }
}
