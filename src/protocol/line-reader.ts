// What a client has sent and nobody has read yet. Command lines are cut off here; DATA takes whole chunks, BDAT
// takes octets by number.
// A line ends in CRLF; a bare LF is taken too, as in qmail and qpsmtpd. A bare CR is text.

const LF = 0x0a;
const CR = 0x0d;

/** `too-long`: the line was thrown away up to its end. */
export type Line = { readonly text: string } | 'too-long';

export class LineReader {
  #pending: Buffer | null = null;
  /** how far #pending has been searched for a line end */
  #searched = 0;
  #discarding = false;

  push(chunk: Buffer): void {
    this.#pending = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The next whole line, null while there is none. @param limit octets with line end */
  next(limit: number): Line | null {
    const pending = this.#pending;
    if (pending === null) return null;
    const end = pending.indexOf(LF, this.#searched);
    if (end < 0) return this.#wait(pending, limit);
    this.#take(end + 1);
    if (this.#discarding || end >= limit) {
      this.#discarding = false;
      return 'too-long';
    }
    const textEnd = end > 0 && pending[end - 1] === CR ? end - 1 : end;
    return { text: pending.toString('latin1', 0, textEnd) };
  }

  /** Tells whether `next` would give something now. */
  get hasLine(): boolean {
    return this.#pending !== null && this.#pending.indexOf(LF, this.#searched) >= 0;
  }

  /** All that is left, which is then no longer here; null when there is nothing. */
  takeAll(): Buffer | null {
    const pending = this.#pending;
    this.#pending = null;
    this.#searched = 0;
    return pending;
  }

  /** At most so many of the octets that are left, uncopied; null when there is nothing. */
  take(most: number): Buffer | null {
    const pending = this.#pending;
    if (pending === null) return null;
    this.#take(most);
    return most < pending.length ? pending.subarray(0, most) : pending;
  }

  get isEmpty(): boolean {
    return this.#pending === null;
  }

  #wait(pending: Buffer, limit: number): null {
    // Only the end is kept of a line that is too long already: an unending one costs no memory.
    if (this.#discarding || pending.length >= limit) {
      this.#discarding = true;
      this.#pending = null;
      this.#searched = 0;
    } else {
      this.#searched = pending.length;
    }
    return null;
  }

  #take(length: number): void {
    const pending = this.#pending;
    this.#pending = pending === null || length >= pending.length ? null : pending.subarray(length);
    this.#searched = 0;
  }
}
