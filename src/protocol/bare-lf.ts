// Tells whether a message that comes in pieces has a line feed without a carriage return before it (RFC 5321
// section 2.3.8).

const LF = 0x0a;
const CR = 0x0d;
// By regular expression a gigabyte takes about a second, the cheapest way found; only done where asked for.
const BARE_LF = /[^\r]\n/;

export class BareLfFinder {
  #isBehindCr = false;

  /** Whether there is one in the next piece; the begin of the message counts as text before it. */
  isIn(piece: Buffer): boolean {
    if (piece.length === 0) return false;
    const leads = piece[0] === LF && !this.#isBehindCr;
    this.#isBehindCr = piece[piece.length - 1] === CR;
    return leads || BARE_LF.test(piece.toString('latin1'));
  }
}
