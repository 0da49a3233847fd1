// Envelope addresses, RFC 5321 section 4.1.2, and where they are asked for, those beyond ASCII (RFC 6531 section
// 3.3). The local part is kept unquoted; whatever is handed on is quoted again where it must be.

import { toAsciiDomain, UTF8_CHARACTER } from './address-utf8.ts';
import { isAscii } from './esmtp-utf8.ts';

const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]";
const DOT_STRING = new RegExp(`^${ATEXT}+(?:\\.${ATEXT}+)*$`);
const QUOTED_STRING = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*)"$/;
const UTF8_ATEXT = `(?:${ATEXT}|${UTF8_CHARACTER})`;
const UTF8_DOT_STRING = new RegExp(`^${UTF8_ATEXT}+(?:\\.${UTF8_ATEXT}+)*$`, 'u');
const UTF8_QUOTED_STRING = new RegExp(
  `^"((?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|${UTF8_CHARACTER}|\\\\[\\x20-\\x7e])*)"$`,
  'u',
);
// Underscores are no part of RFC 5321, but hosts in the wild have them.
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const IPV4_LITERAL = /^\[(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\]$/;
const IPV6_LITERAL = /^\[IPv6:([0-9A-Fa-f:.]{2,45})\]$/i;
const SOURCE_ROUTE = /^@[^\s@:]+(?:,@[^\s@:]+)*:/;
// RFC 5321 section 4.5.1 for postmaster; abuse has the same standing in qpsmtpd.
const WITHOUT_DOMAIN = /^(?:postmaster|abuse)$/i;
const LONGEST_DOMAIN = 255;

export class Address {
  /** unquoted; empty for the null sender */
  readonly localPart: string;
  /** as written, possibly an address literal; empty for the null sender and for a bare postmaster or abuse */
  readonly domain: string;

  constructor(localPart: string, domain: string) {
    this.localPart = localPart;
    this.domain = domain;
  }

  /** `<>`, the sender of bounces */
  static readonly nullSender: Address = new Address('', '');

  /**
   * Reads a path with its angle brackets; null when RFC 5321 does not allow it. A source route is dropped. With
   * `utf8`, local part and domain may go beyond ASCII (RFC 6531); they are kept as written.
   */
  static parse(path: string, options?: { readonly utf8: boolean }): Address | null {
    if (path.length < 2 || path[0] !== '<' || path[path.length - 1] !== '>') return null;
    const inner = path.slice(1, -1);
    if (inner === '') return Address.nullSender;
    const mailbox = inner[0] === '@' ? inner.replace(SOURCE_ROUTE, '') : inner;
    if (WITHOUT_DOMAIN.test(mailbox)) return new Address(mailbox, '');
    const at = mailbox.lastIndexOf('@');
    if (at < 1) return null;
    const utf8 = options?.utf8 === true;
    const localPart = parseLocalPart(mailbox.slice(0, at), utf8);
    const domain = mailbox.slice(at + 1);
    if (localPart === null) return null;
    const isDomain = isDomainOrLiteral(domain) || (utf8 && isUtf8Domain(domain));
    return isDomain ? new Address(localPart, domain) : null;
  }

  get isNull(): boolean {
    return this.localPart === '' && this.domain === '';
  }

  /** `local@domain`, the local part quoted where RFC 5321 needs it; empty for the null sender */
  toString(): string {
    if (this.isNull) return '';
    const isPlain = DOT_STRING.test(this.localPart) || UTF8_DOT_STRING.test(this.localPart);
    const local = isPlain ? this.localPart : quote(this.localPart);
    return this.domain === '' ? local : `${local}@${this.domain}`;
  }

  /** with angle brackets, as in MAIL and RCPT */
  get path(): string {
    return `<${this.toString()}>`;
  }

  /**
   * `local@domain` in lower case, unquoted: the form in which lists are searched. Different spellings of one address
   * beyond ASCII have one key: its characters are composed (NFC), its domain is the one in the DNS.
   */
  get key(): string {
    const key = `${this.localPart}@${this.domain}`.toLowerCase();
    return isAscii(key) ? key : `${this.localPart.normalize()}@${this.asciiDomain}`.toLowerCase();
  }

  /** the domain as the DNS has it: labels beyond ASCII as `xn--…` (RFC 5890); else as written */
  get asciiDomain(): string {
    return toAsciiDomain(this.domain) ?? this.domain;
  }

  /** whether it can be handed on as it is to a host without SMTPUTF8 */
  get isAscii(): boolean {
    return isAscii(this.localPart) && isAscii(this.domain);
  }

  /** whether no way of writing it is ASCII: a domain has one (`asciiDomain`), a local part beyond ASCII has none */
  get needsUtf8(): boolean {
    return !isAscii(this.localPart);
  }

  /** the same address in ASCII; null when it needs UTF-8 */
  toAscii(): Address | null {
    if (this.isAscii) return this;
    return this.needsUtf8 ? null : new Address(this.localPart, this.asciiDomain);
  }
}

/** Tells whether `text` is a domain (underscores allowed) or an address literal of RFC 5321 section 4.1.3. */
export function isDomainOrLiteral(text: string): boolean {
  if (text.length > LONGEST_DOMAIN) return false;
  return text[0] === '[' ? isAddressLiteral(text) : DOMAIN.test(text);
}

function isUtf8Domain(text: string): boolean {
  const ascii = isAscii(text) ? null : toAsciiDomain(text);
  return ascii !== null && isDomainOrLiteral(ascii);
}

function isAddressLiteral(text: string): boolean {
  const octets = IPV4_LITERAL.exec(text);
  if (octets) return octets.slice(1).every((octet) => Number(octet) < 256);
  const groups = IPV6_LITERAL.exec(text)?.[1];
  return groups !== undefined && isIpv6(groups);
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  // Dotted form may stand at the very end only, not before a last "::".
  const embedded = last?.includes('.') && text.endsWith(last) ? groups.pop() : undefined;
  if (embedded !== undefined && !isAddressLiteral(`[${embedded}]`)) return false;
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const count = groups.length + (embedded === undefined ? 0 : 2);
  return halves.length === 2 ? count < 8 : count === 8;
}

function parseLocalPart(text: string, utf8: boolean): string | null {
  if (DOT_STRING.test(text) || (utf8 && UTF8_DOT_STRING.test(text))) return text;
  const quoted = (utf8 ? UTF8_QUOTED_STRING : QUOTED_STRING).exec(text)?.[1];
  return quoted === undefined || quoted === '' ? null : quoted.replace(/\\(.)/g, '$1');
}

function quote(localPart: string): string {
  return `"${localPart.replace(/["\\]/g, '\\$&')}"`;
}
