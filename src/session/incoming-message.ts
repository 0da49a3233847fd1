// What has come of a message so far, by DATA or by BDAT: into the transaction, header and body apart, under all
// limits. Once there is a refusal, the rest is thrown away.

import type { LogLevel } from '../contract/codes.ts';
import type { Awaitable } from '../contract/hooks.ts';
import type { Verdict } from '../contract/verdict.ts';
import type { Engine } from '../engine/engine.ts';
import type { MessageTransaction } from '../message/message-transaction.ts';
import { HeaderSplitter, type SplitMessage } from '../protocol/header-splitter.ts';
import type { Reply } from '../protocol/reply.ts';
import { disconnects, replyFor } from './answers.ts';

/** What it needs of the session that it comes in. */
export interface Receiver {
  readonly engine: Engine;
  readonly transaction: MessageTransaction;
  decide(hook: 'data_headers_end'): Awaitable<Verdict>;
  reply(reply: Reply): void;
  end(reason: 'denied'): void;
  log(level: LogLevel, text: string): void;
}

export class IncomingMessage {
  readonly #receiver: Receiver;
  readonly #databytes: number;
  readonly #splitter = new HeaderSplitter();
  #inHeader = true;
  #size = 0;
  #refusal: Reply | null = null;

  /** @param databytes octets that it may have; 0 = any number */
  constructor(receiver: Receiver, databytes: number) {
    this.#receiver = receiver;
    this.#databytes = databytes;
  }

  get refusal(): Reply | null {
    return this.#refusal;
  }

  /** So many octets more are on their way: refuses the message at once when they are too many. */
  announce(octets: number): void {
    if (this.#refusal === null) this.#limitTo(this.#size + octets);
  }

  /** Takes what has come. A promise comes back where something has to be waited for: a plugin, the spool. */
  take(pieces: readonly Buffer[]): Awaitable<void> {
    for (const piece of pieces) this.#size += piece.length;
    if (this.#refusal !== null) return;
    this.#limitTo(this.#size);
    if (this.#refusal !== null) return;
    return this.#inHeader ? this.#takeHeader(pieces) : this.#store(pieces);
  }

  /** It has come in whole. */
  async complete(): Promise<void> {
    if (this.#refusal !== null) return;
    if (this.#inHeader) await this.#endHeader(this.#splitter.end(), []);
    if (this.#refusal !== null) return;
    await this.#receiver.transaction.body.finish()?.catch((error: unknown) => this.#blameSpool(error));
  }

  #limitTo(size: number): void {
    if (this.#databytes === 0 || size <= this.#databytes) return;
    this.#receiver.log('alert', `fail, message is bigger than databytes (${this.#databytes})`);
    this.#refuse({ code: 552, status: '5.3.4', lines: ['message is too big'] });
  }

  #takeHeader(pieces: readonly Buffer[]): Awaitable<void> {
    const limit = this.#receiver.engine.store.value('max_header_size');
    for (const [at, piece] of pieces.entries()) {
      const split = this.#splitter.push(piece);
      if ((split?.header.length ?? this.#splitter.size) > limit) {
        this.#receiver.log('warn', `fail, header is bigger than max_header_size (${limit})`);
        return this.#refuse({ code: 552, status: '5.3.4', lines: ['the header of the message is too big'] });
      }
      if (split !== null) return this.#endHeader(split, pieces.slice(at + 1));
    }
  }

  async #endHeader({ header, separator, body }: SplitMessage, more: readonly Buffer[]): Promise<void> {
    this.#inHeader = false;
    this.#receiver.transaction.setHeader(header, separator);
    this.#obey(await this.#receiver.decide('data_headers_end'));
    if (this.#refusal === null) await this.#store(body.length > 0 ? [body, ...more] : more);
  }

  #obey(verdict: Verdict): void {
    if (verdict.code === 'OK' || verdict.code === 'DECLINED') return;
    const reply = replyFor('data_headers_end', verdict);
    if (disconnects(verdict.code)) {
      if (reply !== null) this.#receiver.reply(reply);
      this.#receiver.end('denied');
    }
    // A plugin that is DONE without a reply would leave the client waiting.
    this.#refuse(reply ?? { code: 451, status: '4.3.0', lines: ['message refused for now'] });
  }

  #store(pieces: readonly Buffer[]): Awaitable<void> {
    return this.#receiver.transaction.body.append(pieces)?.catch((error: unknown) => this.#blameSpool(error));
  }

  #blameSpool(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#receiver.log('crit', `error, cannot write to the spool: ${why}`);
    this.#refuse({
      code: 452,
      status: '4.3.1',
      lines: ['there is no room for the message now, try again later'],
    });
  }

  #refuse(reply: Reply): void {
    this.#refusal = reply;
  }
}
