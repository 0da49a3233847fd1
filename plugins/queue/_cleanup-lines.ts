// A message as records of lines. Long lines are cut in parts, as Postfix does itself.

import { recordType } from './_cleanup-records.ts';

const LF = 0x0a;
const LINE = recordType.line.charCodeAt(0);
const PART = recordType.part.charCodeAt(0);
/** octets; line_length_limit of Postfix, which its own programs cut at */
const LONGEST = 2048;

export class LineRecords {
  #begun: Buffer = Buffer.alloc(0);

  /** Records for all that is known to be a line, or a part of one. @param chunk with LF line ends */
  convert(chunk: Buffer): Buffer {
    const text = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    // An empty line takes one octet and becomes two; no record takes more than three beside its text.
    const out = Buffer.allocUnsafe(text.length * 2 + 8);
    let to = 0;
    let from = 0;
    for (let end = text.indexOf(LF); end >= 0; end = text.indexOf(LF, from)) {
      while (end - from > LONGEST) {
        to = put(out, to, PART, text, from, from + LONGEST);
        from += LONGEST;
      }
      to = put(out, to, LINE, text, from, end);
      from = end + 1;
    }
    while (text.length - from > LONGEST) {
      to = put(out, to, PART, text, from, from + LONGEST);
      from += LONGEST;
    }
    // A copy, or the whole chunk would be kept for its last words.
    this.#begun = Buffer.from(text.subarray(from));
    return out.subarray(0, to);
  }

  /** The last line, when it has no end. */
  end(): Buffer {
    const text = this.#begun;
    this.#begun = Buffer.alloc(0);
    if (text.length === 0) return text;
    const out = Buffer.allocUnsafe(text.length + 3);
    return out.subarray(0, put(out, 0, LINE, text, 0, text.length));
  }
}

function put(out: Buffer, to: number, type: number, text: Buffer, from: number, end: number): number {
  const length = end - from;
  let at = to;
  out[at++] = type;
  if (length < 128) out[at++] = length;
  else {
    out[at++] = (length & 127) | 128;
    out[at++] = length >>> 7;
  }
  return at + text.copy(out, at, from, end);
}
