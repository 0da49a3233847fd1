// Reads what a server has said beside what its client has said, and tells where the two do not fit together: how many
// replies there must be, and which messages the client has a reason to call delivered. It knows where the octets of a
// message end, and no more of SMTP than it must.

import assert from 'node:assert/strict';
import { readData } from './data-model.ts';

interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

export interface Conversation {
  /** messages that were taken, without stuffed dots, one octet a character */
  readonly taken: readonly string[];
}

/** @throws AssertionError. @param sent and @param said one octet a character */
export function followConversation(sent: string, said: string, { lmtp }: { lmtp: boolean }): Conversation {
  return new Follower(sent, readReplies(said), lmtp).all();
}

/** @throws AssertionError where a reply is not as RFC 5321 section 4.2 has it */
export function readReplies(said: string): Reply[] {
  const replies: Reply[] = [];
  let lines: string[] = [];
  if (said !== '') assert.ok(said.endsWith('\r\n'), 'a reply without its end');
  for (const line of said.split('\r\n').slice(0, -1)) {
    assert.match(line, /^[2-5]\d\d[- ][\x20-\x7e]{0,506}$/);
    assert.ok(lines.length === 0 || line.startsWith(lines[0]?.slice(0, 3) ?? ''), 'two codes in one reply');
    lines.push(line);
    if (line[3] === '-') continue;
    replies.push({ code: Number(line.slice(0, 3)), lines });
    lines = [];
  }
  assert.equal(lines.length, 0, 'a reply without its last line');
  return replies;
}

class Follower {
  readonly #sent: string;
  readonly #replies: readonly Reply[];
  readonly #lmtp: boolean;
  readonly #taken: string[] = [];
  #at = 0;
  #next = 0;
  #recipients = 0;
  #chunks = '';
  #prdr = false;
  #over = false;

  constructor(sent: string, replies: readonly Reply[], lmtp: boolean) {
    this.#sent = sent;
    this.#replies = replies;
    this.#lmtp = lmtp;
  }

  all(): Conversation {
    assert.equal(this.#reply('greeting').code, 220);
    while (!this.#over) {
      const line = this.#line();
      if (line === null) break;
      this.#command(line);
      // Last words may follow any answer, such as those on too many errors.
      if (this.#replies[this.#next]?.code === 421 && this.#next === this.#replies.length - 1)
        this.#reply('421');
    }
    assert.equal(this.#next, this.#replies.length, 'more replies than commands');
    return { taken: this.#taken };
  }

  #line(): string | null {
    const end = this.#sent.indexOf('\n', this.#at);
    if (end < 0) return null;
    const line = this.#sent.slice(this.#at, end).replace(/\r$/, '');
    this.#at = end + 1;
    return line;
  }

  #reply(to: string): Reply {
    const reply = this.#replies[this.#next++];
    assert.ok(reply !== undefined, `no reply to ${to}`);
    // Codes that belong to one command only tell that a reply is missing or one too many.
    const ofOne = { 221: /^quit/i, 334: /AUTH/i, 354: /^data/i, 353: /^the message/ }[reply.code];
    if (ofOne !== undefined) assert.match(to, ofOne, `reply ${reply.code}`);
    if (reply.code === 421 || reply.code === 221 || reply.code === 521) this.#over = true;
    return reply;
  }

  #command(line: string): void {
    const [, verb = '', argument = ''] = /^([^ ]*) ?(.*)$/s.exec(line) ?? [];
    // With no blank behind it, blanks of other kinds count as none.
    const name = (line.includes(' ') ? verb : line.trimEnd()).toLowerCase();
    if (name === 'bdat') {
      this.#bdat(line, argument.replace(/^[ \t-\r]+|[ \t-\r]+$/g, ''));
      return;
    }
    const { code } = this.#reply(line);
    const isGood = code >= 200 && code < 300;
    if (name === 'rcpt' && isGood) this.#recipients++;
    else if (name === 'mail' && !(code === 503 && this.#chunks !== ''))
      this.#begin(isGood && /\sPRDR/i.test(line));
    else if ((name === 'rset' || /^(?:helo|ehlo|lhlo|quit|xclient)$/.test(name)) && isGood)
      this.#begin(false);
    else if (name === 'auth') this.#auth(code);
    else if (name === 'data' && code === 354) this.#data();
  }

  /** A transaction begins anew. */
  #begin(prdr: boolean): void {
    this.#recipients = 0;
    this.#chunks = '';
    this.#prdr = prdr;
  }

  #auth(code: number): void {
    for (let last = code; last === 334 && !this.#over; ) {
      if (this.#line() === null) {
        this.#over = true;
        return;
      }
      last = this.#reply('a line of AUTH').code;
    }
  }

  #data(): void {
    const { state, message, length } = readData(this.#sent.slice(this.#at));
    // Smugglers and bare line feeds, where they are refused, end the conversation before the end of the message.
    const isCutOff = [421, 521].includes(this.#replies[this.#next]?.code ?? 0);
    if (isCutOff) {
      this.#reply('DATA');
      return;
    }
    if (state !== 'end') {
      assert.equal(state, 'more', 'smuggled');
      this.#over = true;
      return;
    }
    this.#at += length;
    this.#endOfMessage(message);
  }

  #endOfMessage(message: string): void {
    const replies = [this.#reply('the message')];
    const [first] = replies;
    if (!this.#lmtp && this.#prdr && this.#recipients > 1)
      assert.notEqual(first?.code, 250, 'one reply for all recipients');
    const count = this.#lmtp
      ? this.#recipients - 1
      : first?.code === 353 && this.#prdr
        ? this.#recipients + 1
        : 0;
    for (let left = count; left > 0 && !this.#over; left--) replies.push(this.#reply('a recipient'));
    if (replies.some(({ code }) => code === 250)) this.#taken.push(message);
    this.#begin(false);
  }

  #bdat(line: string, argument: string): void {
    const [, digits, word] = /^(\d{1,15})(?:\s+(\S.*))?$/.exec(argument) ?? [];
    const code = this.#replies[this.#next]?.code;
    if (digits === undefined || code === 500 || code === 502) {
      this.#reply(line);
      return;
    }
    const size = Number(digits);
    const chunk = this.#sent.slice(this.#at, this.#at + size);
    if (chunk.length < size) {
      // So large a chunk may be hung up on.
      if (this.#next < this.#replies.length) this.#reply(line);
      this.#over = true;
      return;
    }
    this.#at += size;
    const isLast = /^last$/i.test(word ?? '');
    const isOutOfPlace = code === 503 || code === 501 || code === 421 || code === 521;
    if (isLast && !isOutOfPlace) {
      this.#endOfMessage(this.#chunks + chunk);
      return;
    }
    const isGood = this.#reply(line).code === 250;
    if (isGood) this.#chunks += chunk;
    else if (code !== 503) this.#begin(false);
  }
}
