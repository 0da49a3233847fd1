// What may stand in the parameters of MAIL and RCPT that extensions bring. Values are kept as the client gave
// them, for whoever hands the message on; these functions only tell whether they are what their RFC allows.

import { decodeUtf8, isAscii } from './esmtp-utf8.ts';
import { decodeXtext } from './xtext.ts';

const LONGEST_ENVELOPE_ID = 100;
const LONGEST_ORIGINAL_RECIPIENT = 500;
// What ends up in a delivery report is text: control characters could forge lines of it.
const PRINTABLE = /^[\t\x20-\x7e]+$/;
const ORIGINAL_RECIPIENT = /^([A-Za-z0-9!#$%&'*/?^_`{|}~-]+);(.+)$/s;
// RFC 6533 section 3: a character as \x{HEX}, all others but the backslash as they are or as xtext.
const UTF8_ADDRESS =
  /^(?:[!-*,-<>-[\]-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E])|[^\x00-\x9f]|\\x\{([0-9A-F]{2,6})\})+$/u;
const EMBEDDED_CHARACTER = /\\x\{([0-9A-F]+)\}/g;
const NOTIFY_WORDS = new Set(['SUCCESS', 'FAILURE', 'DELAY']);

/** RET, RFC 3461 section 4.3 */
export function isReturnWish(value: string): boolean {
  return /^(?:FULL|HDRS)$/i.test(value);
}

/** ENVID, RFC 3461 section 4.4 */
export function isEnvelopeId(value: string): boolean {
  return value.length <= LONGEST_ENVELOPE_ID && isPrintableXtext(value);
}

/** NOTIFY, RFC 3461 section 4.1: NEVER, or each of the other words at most once */
export function isNotifyWish(value: string): boolean {
  // Letters beyond ASCII become two of it in capitals.
  if (!/^[A-Z,]+$/i.test(value)) return false;
  const words = value.toUpperCase().split(',');
  if (words.length === 1 && words[0] === 'NEVER') return true;
  return words.every((word) => NOTIFY_WORDS.has(word)) && new Set(words).size === words.length;
}

/**
 * ORCPT, RFC 3461 section 4.2: any type of address, which need not follow the rules of its type; `utf-8` as in RFC
 * 6533 section 3.
 *
 * @param utf8 whether octets beyond ASCII may stand in it as they are (decoded here)
 */
export function isOriginalRecipient(value: string, utf8: boolean): boolean {
  if (value.length > LONGEST_ORIGINAL_RECIPIENT) return false;
  const [, type = '', address = ''] = ORIGINAL_RECIPIENT.exec(value) ?? [];
  if (type.toLowerCase() !== 'utf-8') return isXtextOfText(address);
  if (!UTF8_ADDRESS.test(address) || (!utf8 && !isAscii(address))) return false;
  return [...address.matchAll(EMBEDDED_CHARACTER)].every(([, hex = '']) =>
    isTextCharacter(Number.parseInt(hex, 16)),
  );
}

/** AUTH of MAIL, RFC 4954 section 5: a mailbox as xtext, or `<>` */
export function isMailAuth(value: string): boolean {
  const mailbox = decodeXtext(value);
  return mailbox !== null && !/[\x00-\x1f\x7f]/.test(mailbox);
}

/** MT-PRIORITY, RFC 6710 section 5: -9 to 9 */
export function isTransferPriority(value: string): boolean {
  return /^(?:0|-?[1-9])$/.test(value);
}

function isPrintableXtext(value: string): boolean {
  const text = decodeXtext(value);
  return text !== null && PRINTABLE.test(text);
}

/** Postfix (3.7) sends an address in UTF-8 as xtext of its octets, with the type rfc822. */
function isXtextOfText(value: string): boolean {
  const text = decodeUtf8(decodeXtext(value) ?? '');
  return text !== null && /^[\t\x20-\x7e\u00a0-\u{10ffff}]+$/u.test(text);
}

function isTextCharacter(code: number): boolean {
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const isSurrogate = code >= 0xd800 && code < 0xe000;
  return !isControl && !isSurrogate && code <= 0x10ffff;
}
