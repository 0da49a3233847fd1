// Text of commands beyond ASCII. Lines are read one octet a character; where a command may hold UTF-8 (RFC 6531),
// its text is decoded here.

const BEYOND_ASCII = /[^\x00-\x7f]/;

export function isAscii(text: string): boolean {
  return !BEYOND_ASCII.test(text);
}

/** Text from octets, one a character; null where they are not UTF-8. */
export function decodeUtf8(octets: string): string | null {
  if (isAscii(octets)) return octets;
  try {
    // A byte order mark stays: it is no part of any address, and must not vanish from one.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return null;
  }
}
