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
  /** what has come: the first piece as it came, or a view of #room */
  #whole: Buffer = NOTHING;
  /** grows twofold: a header in thousands of tiny pieces must cost neither a buffer for each nor a copy with each */
  #room: Buffer = NOTHING;
  #judged = false;

  /** octets of header so far */
  get size(): number {
    return this.#whole.length;
  }

  /** Takes a piece; gives header and begin of body once the blank line is found, else null. */
  push(piece: Buffer): SplitMessage | null {
    const before = this.#whole.length;
    this.#append(piece);
    const whole = this.#whole;
    if (!this.#judged && this.#beginsWithText()) {
      return { header: NOTHING, separator: NOTHING, body: whole };
    }
    // The last two octets before the piece may be the begin of the blank line.
    const blank = findBlankLine(whole, Math.max(0, before - 2));
    if (blank === null) return null;
    return {
      header: whole.subarray(0, blank.start),
      separator: whole.subarray(blank.start, blank.start + blank.length),
      body: whole.subarray(blank.start + blank.length),
    };
  }

  /** The message is over and no blank line came. */
  end(): SplitMessage {
    const whole = this.#whole;
    const isHeader = whole.length > 0 && beginsWithField(whole.toString('latin1', 0, ENOUGH_TO_JUDGE));
    return isHeader
      ? { header: whole, separator: NOTHING, body: NOTHING }
      : { header: NOTHING, separator: NOTHING, body: whole };
  }

  #append(piece: Buffer): void {
    if (this.#whole.length === 0) {
      this.#whole = piece;
      return;
    }
    const size = this.#whole.length + piece.length;
    if (size > this.#room.length) {
      const room = Buffer.allocUnsafe(2 * size);
      this.#whole.copy(room);
      this.#room = room;
    }
    piece.copy(this.#room, this.#whole.length);
    this.#whole = this.#room.subarray(0, size);
  }

  #beginsWithText(): boolean {
    const text = this.#whole.toString('latin1', 0, ENOUGH_TO_JUDGE);
    if (text.length < ENOUGH_TO_JUDGE && !text.includes('\n')) return false;
    this.#judged = true;
    // A blank line first means an empty header, not a missing one.
    return !/^\r?\n/.test(text) && !beginsWithField(text);
  }
}

/** A line that is nothing but a line end, with the line end before it not ahead of index `from`. */
function findBlankLine(text: Buffer, from: number): { start: number; length: number } | null {
  // The header itself may begin with one.
  if (from === 0 && text[0] === LF) return { start: 0, length: 1 };
  if (from === 0 && text[0] === CR && text[1] === LF) return { start: 0, length: 2 };
  for (let at = text.indexOf(LF, from); at >= 0; at = text.indexOf(LF, at + 1)) {
    if (text[at + 1] === LF) return { start: at + 1, length: 1 };
    if (text[at + 1] === CR && text[at + 2] === LF) return { start: at + 1, length: 2 };
  }
  return null;
}
