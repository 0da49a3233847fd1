// Octets of a login to text, and back to what stands on a line: base64 (RFC 4648 section 4) taken by the letter, and
// UTF-8 without the characters that end lines and fields in the protocols of password backends.

/** Null for what is not base64 as an encoder writes it: blanks, missing padding, other alphabets. */
export function decodeBase64(text: string): Buffer | null {
  // Node's decoder takes nearly anything. What encodes back to the same text was base64.
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : null;
}

/** UTF-8 as text; null when it is not valid (RFC 3629). */
export function decodeUtf8(octets: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return null;
  }
}

/** Whether a name, password or token may go to a backend: not empty, without NUL, CR and LF. */
export function isCredential(text: string): boolean {
  return text !== '' && !/[\0\r\n]/.test(text);
}
