// A message on its way to a server that reads DATA: a dot before each line that begins with one, and the end
// mark (RFC 5321 section 4.5.2). Whole chunks are searched natively; one without such a line goes on untouched.

const LF_DOT = Buffer.from('\n.');
const CR_DOT_CR = Buffer.from('\r.\r');
const DOT = Buffer.from('.');
const DOT_CHAR = 0x2e;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/**
 * A lone dot between bare CRs. It is text, but servers that take a bare CR for a line end would take it for the end of
 * the message and what follows for commands (SMTP smuggling), and a further dot would be seen by all others.
 */
export class SmugglingError extends Error {}

export class DotStuffer {
  #tail: Buffer = NOTHING;

  /**
   * The chunk in pieces, with lines that end in CRLF.
   * @throws SmugglingError
   */
  stuff(chunk: Buffer): readonly Buffer[] {
    if (chunk.length === 0) return [];
    const pieces: Buffer[] = [];
    const isLineStart = this.#tail.length === 0 || this.#tail[this.#tail.length - 1] === LF;
    if (isLineStart && chunk[0] === DOT_CHAR) pieces.push(DOT);
    this.#refuseSmuggling(chunk);
    let from = 0;
    for (let at = chunk.indexOf(LF_DOT); at >= 0; at = chunk.indexOf(LF_DOT, at + 1)) {
      pieces.push(chunk.subarray(from, at + 1), DOT);
      from = at + 1;
    }
    pieces.push(from === 0 ? chunk : chunk.subarray(from));
    return pieces;
  }

  /** What has to follow the last chunk. */
  end(): string {
    return this.#tail.length === 0 || this.#tail[this.#tail.length - 1] === LF ? '.\r\n' : '\r\n.\r\n';
  }

  #refuseSmuggling(chunk: Buffer): void {
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, 2)]);
    this.#tail = chunk.length >= 2 ? chunk.subarray(-2) : Buffer.concat([this.#tail.subarray(-1), chunk]);
    if (chunk.includes(CR_DOT_CR) || seam.includes(CR_DOT_CR)) {
      throw new SmugglingError('a lone dot between bare CRs cannot be sent by DATA');
    }
  }
}
