// xtext, RFC 3461 section 4: how a parameter of MAIL or RCPT carries octets that may not stand there as they
// are. Also the form of the values of AUTH (RFC 4954), XCLIENT and XFORWARD.

const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;
const HEX_CHARACTER = /\+([0-9A-F]{2})/g;
const NOT_PLAIN = /[^!-*,-<>-~]/g;

/** The octets, one a character; null where the text is no xtext. */
export function decodeXtext(text: string): string | null {
  if (!XTEXT.test(text)) return null;
  return text.includes('+')
    ? text.replace(HEX_CHARACTER, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : text;
}

/** @param octets one a character (latin1) */
export function encodeXtext(octets: string): string {
  return octets.replace(
    NOT_PLAIN,
    (octet) => `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
