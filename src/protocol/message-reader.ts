// The octets behind DATA, chunk by chunk: finds the end, takes stuffed dots away, and tells an attempt at
// smuggling (RFC 5321 sections 4.1.1.4 and 4.5.2).
//
// Only CRLF.CRLF ends a message. A line of a lone dot with any other line end before or behind it is an
// attack or a wreck and ends the connection; never are two messages made out of one. Everything else is kept
// as it came, bare LF and bare CR included.
//
// Whole chunks are searched for "LF ." and "CR ." natively; the common chunk has neither and is handed on
// untouched. Where a chunk ends in what may be part of a mark, those few octets are looked at again.

const LF = 0x0a;
const CR = 0x0d;
const CRLF = Buffer.from('\r\n');
const LF_DOT = Buffer.from('\n.');
const CR_DOT = Buffer.from('\r.');
const NOTHING = Buffer.alloc(0);
// By regular expression a gigabyte takes about a second, the cheapest way found; only done where asked for.
const BARE_LF = /(?:^|[^\r])\n/;
// A chunk full of stuffed dots falls into many slices, which together weigh more than a copy.
const MOST_SLICES = 8;

/** `end`: the message is complete. `smuggling`: a lone dot with wrong line ends. `bare-lf`: refused on request. */
export type ReaderState = 'more' | 'end' | 'smuggling' | 'bare-lf';

type LineEnd = 'crlf' | 'lf' | 'cr' | 'none' | 'unknown';

export class MessageReader {
  readonly #refuseBareLf: boolean;
  /** the end of what came before: first `#emitted` octets already handed on, then at most a dot and a CR */
  #tail: Buffer = CRLF;
  #emitted = CRLF.length;
  #rest: Buffer = NOTHING;

  /** Begins behind the CRLF of the DATA command, so that a dot may come first. */
  constructor(options: { readonly refuseBareLf?: boolean } = {}) {
    this.#refuseBareLf = options.refuseBareLf ?? false;
  }

  /** What came behind the end of the message, or behind the lone dot of a smuggler. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** Reads a chunk; pieces of the message go to `out`. One that is a whole chunk is not looked at again. */
  push(chunk: Buffer, out: Buffer[]): ReaderState {
    const text = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const pieces: Buffer[] = [];
    const state = this.#scan(text, pieces);
    if (this.#refuseBareLf && BARE_LF.test(text.toString('latin1', 0, text.length - this.#rest.length))) {
      return 'bare-lf';
    }
    if (pieces.length > MOST_SLICES) out.push(Buffer.concat(pieces));
    else out.push(...pieces);
    return state;
  }

  #scan(text: Buffer, pieces: Buffer[]): ReaderState {
    let from = this.#emitted;
    let behindLf = text.indexOf(LF_DOT);
    let behindCr = text.indexOf(CR_DOT);
    while (behindLf >= 0 || behindCr >= 0) {
      const dot = 1 + (behindCr < 0 || (behindLf >= 0 && behindLf < behindCr) ? behindLf : behindCr);
      const before = lineEndBefore(text, dot);
      const behind = lineEndAt(text, dot + 1);
      if (behind === 'unknown') {
        this.#emit(text, from, dot, pieces);
        this.#keep(text, dot, before === 'crlf' ? 2 : 1);
        return 'more';
      }
      if (behind !== 'none') {
        this.#rest = text.subarray(dot + (behind === 'crlf' ? 3 : 2));
        if (before !== 'crlf' || behind !== 'crlf') return 'smuggling';
        this.#emit(text, from, dot, pieces);
        return 'end';
      }
      // The dot of a line that has more on it goes (section 4.5.2). A bare CR begins no line.
      if (before !== 'cr') {
        this.#emit(text, from, dot, pieces);
        from = dot + 1;
      }
      if (behindLf < dot) behindLf = behindLf < 0 ? -1 : text.indexOf(LF_DOT, dot);
      if (behindCr < dot) behindCr = behindCr < 0 ? -1 : text.indexOf(CR_DOT, dot);
    }
    this.#emit(text, from, text.length, pieces);
    this.#keep(text, text.length, lengthOfLineEnd(text));
    return 'more';
  }

  #emit(text: Buffer, from: number, to: number, pieces: Buffer[]): void {
    if (to > from) pieces.push(from === 0 && to === text.length ? text : text.subarray(from, to));
  }

  /** Remembers the text from `before` octets ahead of index `at`; up to `at` it has been handed on. */
  #keep(text: Buffer, at: number, before: number): void {
    // A copy: the chunk belongs to whoever takes the pieces.
    this.#tail = before === 0 ? NOTHING : Buffer.from(text.subarray(at - before));
    this.#emitted = before;
  }
}

function lineEndBefore(text: Buffer, dot: number): LineEnd {
  if (text[dot - 1] === CR) return 'cr';
  return text[dot - 2] === CR ? 'crlf' : 'lf';
}

function lineEndAt(text: Buffer, at: number): LineEnd {
  const first = text[at];
  if (first === undefined) return 'unknown';
  if (first === LF) return 'lf';
  if (first !== CR) return 'none';
  const second = text[at + 1];
  if (second === undefined) return 'unknown';
  return second === LF ? 'crlf' : 'cr';
}

function lengthOfLineEnd(text: Buffer): number {
  const last = text[text.length - 1];
  if (last === CR) return 1;
  if (last !== LF) return 0;
  return text[text.length - 2] === CR ? 2 : 1;
}
