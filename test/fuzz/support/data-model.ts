// What DATA means, written as slowly and plainly as it can be (RFC 5321 section 4.5.2, and ARCHITECTURE.md for what
// is not CRLF): the model that the quick reader is compared with.

export interface DataModel {
  readonly state: 'more' | 'end' | 'smuggling';
  /** the message without stuffed dots, as far as it goes for certain */
  readonly message: string;
  /** octets up to the end of the message */
  readonly length: number;
}

/** @param octets what follows the CRLF of DATA, one octet a character */
export function readData(octets: string): DataModel {
  let message = '';
  let before: string = '\r\n';
  for (let at = 0; at < octets.length; ) {
    if (octets[at] === '.' && before !== '') {
      const behind = lineEndAt(octets, at + 1);
      if (behind === null) return { state: 'more', message, length: octets.length };
      if (behind !== '') {
        const isEnd = before === '\r\n' && behind === '\r\n';
        return { state: isEnd ? 'end' : 'smuggling', message, length: at + 3 };
      }
      if (before === '\r') message += '.';
      before = '';
      at++;
      continue;
    }
    before = lineEndAt(octets, at) ?? '\r';
    const piece = before === '' ? (octets[at] ?? '') : before;
    message += piece;
    at += piece.length;
  }
  return { state: 'more', message, length: octets.length };
}

/** CRLF, LF or CR; empty for text; null when the next octet would tell. */
function lineEndAt(octets: string, at: number): string | null {
  if (octets[at] === '\n') return '\n';
  if (at >= octets.length) return null;
  if (octets[at] !== '\r') return '';
  if (at + 1 >= octets.length) return null;
  return octets[at + 1] === '\n' ? '\r\n' : '\r';
}
