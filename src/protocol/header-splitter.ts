// Finds the blank line between header and body in pieces of a message (RFC 5322 section 2.1). A message that
// does not begin with a header field has no header at all: everything is body then, and nothing is lost.

import { beginsWithField } from './header.ts';

const NOTHING = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;
// Longer field names than this are nobody's; the first line is judged once so much of it is there.
const ENOUGH_TO_JUDGE = 128;

export interface SplitMessage {
  /** without the blank line */
  readonly header: Buffer;
  /** the blank line's own line end as received; empty where there is none */
  readonly separator: Buffer;
  /** the begin of the body */
  readonly body: Buffer;
}

export class HeaderSplitter {
  #pieces: Buffer[] = [];
  #size = 0;
  /** octets before the next piece that may belong to a blank line; the header itself may begin with one */
  #tail: Buffer = Buffer.from('\n');
  #judged = false;

  /** octets of header so far */
  get size(): number {
    return this.#size;
  }

  /** Takes a piece; gives header and begin of body once the blank line is found, else null. */
  push(piece: Buffer): SplitMessage | null {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (!this.#judged && this.#beginsWithText()) {
      return { header: NOTHING, separator: NOTHING, body: Buffer.concat(this.#pieces) };
    }
    const text = Buffer.concat([this.#tail, piece]);
    const blank = findBlankLine(text);
    if (blank === null) {
      this.#tail = text.subarray(Math.max(0, text.length - 2));
      return null;
    }
    const whole = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    const start = whole.length - text.length + blank.start;
    return {
      header: whole.subarray(0, start),
      separator: whole.subarray(start, start + blank.length),
      body: whole.subarray(start + blank.length),
    };
  }

  /** The message is over and no blank line came. */
  end(): SplitMessage {
    const whole = Buffer.concat(this.#pieces);
    const isHeader = whole.length > 0 && beginsWithField(whole.toString('latin1', 0, ENOUGH_TO_JUDGE));
    return isHeader
      ? { header: whole, separator: NOTHING, body: NOTHING }
      : { header: NOTHING, separator: NOTHING, body: whole };
  }

  #beginsWithText(): boolean {
    const start = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    const text = start?.toString('latin1', 0, ENOUGH_TO_JUDGE) ?? '';
    if (text.length < ENOUGH_TO_JUDGE && !text.includes('\n')) return false;
    this.#judged = true;
    // A blank line first means an empty header, not a missing one.
    return !/^\r?\n/.test(text) && !beginsWithField(text);
  }
}

function findBlankLine(text: Buffer): { start: number; length: number } | null {
  for (let at = text.indexOf(LF); at >= 0; at = text.indexOf(LF, at + 1)) {
    if (text[at + 1] === LF) return { start: at + 1, length: 1 };
    if (text[at + 1] === CR && text[at + 2] === LF) return { start: at + 1, length: 2 };
  }
  return null;
}
