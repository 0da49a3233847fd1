// What an SMTP or LMTP server has answered: reply lines put together as they come in (RFC 5321 section 4.2). Bare LF
// ends a line too, and the last line's code is the one that counts, as every client has it.

import { type EnhancedStatus, isEnhancedStatus } from '../protocol/enhanced-status.ts';

export interface ServerReply {
  /** 200 to 599 */
  readonly code: number;
  readonly status: EnhancedStatus | null;
  /** without code and status, one octet a character */
  readonly lines: readonly string[];
}

const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;
const STATUS = /^(\d\.\d{1,3}\.\d{1,3})(?: |$)/;
const SHOWN_LENGTH = 80;
// A server that talks for ever must cost no memory. The longest EHLO replies have some twenty lines.
const LONGEST_LINE = 4096;
const LONGEST_REPLY = 65_536;

/** The server does not speak SMTP. */
export class ReplyError extends Error {}

export class ReplyReader {
  #pending = '';
  #lines: string[] = [];
  #length = 0;

  /**
   * Takes octets in, and hands on each reply that is complete now.
   * @throws ReplyError after the replies before the fault were handed on
   */
  push(chunk: Buffer, take: (reply: ServerReply) => void): void {
    const text = this.#pending + chunk.toString('latin1');
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const reply = this.#takeLine(text.slice(from, text[end - 1] === '\r' && end > from ? end - 1 : end));
      from = end + 1;
      if (reply !== null) take(reply);
    }
    this.#pending = text.slice(from);
    if (this.#pending.length > LONGEST_LINE) throw new ReplyError('the server sends an endless line');
  }

  /** Nothing of a reply is there that has not come whole. */
  get isEmpty(): boolean {
    return this.#pending === '' && this.#lines.length === 0;
  }

  #takeLine(line: string): ServerReply | null {
    const [, code, mark] = LINE.exec(line) ?? [];
    if (code === undefined) {
      throw new ReplyError(
        `the server said what is no reply: ${JSON.stringify(line.slice(0, SHOWN_LENGTH))}`,
      );
    }
    this.#length += line.length;
    if (line.length > LONGEST_LINE || this.#length > LONGEST_REPLY) {
      throw new ReplyError('the server sends an endless reply');
    }
    this.#lines.push(line.slice(4));
    if (mark === '-') return null;
    const lines = this.#lines;
    this.#lines = [];
    this.#length = 0;
    return readReply(Number(code), lines);
  }
}

function readReply(code: number, lines: readonly string[]): ServerReply {
  const found = STATUS.exec(lines[0] ?? '')?.[1];
  const isOfCode = found !== undefined && isEnhancedStatus(found) && found[0] === String(code)[0];
  if (!isOfCode) return { code, status: null, lines };
  return { code, status: found, lines: lines.map((line) => withoutStatus(line, found)) };
}

function withoutStatus(line: string, status: EnhancedStatus): string {
  return line.startsWith(status) ? line.slice(status.length).trimStart() : line;
}

/** An answer of our own, where the server cannot be asked or has not answered. */
export function localReply(code: number, status: EnhancedStatus, text: string): ServerReply {
  return { code, status, lines: [text] };
}

/** Taken. What asks for more (3xx) is not. */
export function isPositive({ code }: ServerReply): boolean {
  return code < 300;
}

/** Refused for now. */
export function isForNow({ code }: ServerReply): boolean {
  return code >= 400 && code < 500;
}

/** Refused for good. */
export function isForGood({ code }: ServerReply): boolean {
  return code >= 500;
}

/** `550 5.1.1 no such user`, for the log. */
export function showReply({ code, status, lines }: ServerReply): string {
  return [code, ...(status === null ? [] : [status]), lines.join(' ')].join(' ');
}
