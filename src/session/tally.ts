// Counts what a client does in vain: commands without a message, and commands that were refused. Refused recipients
// do not count, as a mailing list has many dead ones; their number has limits of its own.

import type { Line } from '../protocol/line-reader.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Session } from './session.ts';

const RCPT = /^rcpt\b/i;

export class Tally {
  readonly #session: Session;
  #withoutMail = 0;
  #errors = 0;
  #messagesBefore = 0;
  #chunksBefore = 0;
  #recipientsBefore = 0;
  #refusalsBefore = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** A command is about to be obeyed. */
  begin(): void {
    const { messages, chunks, refusals, transaction } = this.#session;
    this.#messagesBefore = messages;
    this.#chunksBefore = chunks;
    this.#refusalsBefore = refusals;
    this.#recipientsBefore = transaction.recipients.length;
  }

  /** It has been answered. Gives the last words where it was one too many. */
  end(line: Line): Reply | null {
    const { messages, chunks, refusals, transaction, limits } = this.#session;
    const isRefused = refusals > this.#refusalsBefore;
    if (isRefused && (line === 'too-long' || !RCPT.test(line.text))) this.#errors++;
    if (messages > this.#messagesBefore) {
      this.#withoutMail = 0;
      if (!isRefused) this.#errors = 0;
    }
    // Recipients and octets have limits of their own: one message may have more of them than there may be idle
    // commands.
    else if (transaction.recipients.length <= this.#recipientsBefore && chunks === this.#chunksBefore) {
      this.#withoutMail++;
    }
    if (this.#withoutMail > limits.commandsWithoutMail) return tooMany('commands without a mail');
    return this.#errors > limits.errors ? tooMany('errors') : null;
  }
}

function tooMany(what: string): Reply {
  return { code: 421, status: '4.7.0', lines: [`too many ${what}`] };
}
