// The arguments of XCLIENT and XFORWARD (XCLIENT_README and XFORWARD_README of Postfix): NAME=value in xtext, and
// what each attribute may hold.

import { parseIp } from './ip-address.ts';
import { showIp } from './ip-text.ts';
import { decodeXtext } from './xtext.ts';

/** null: the proxy does not know it ([UNAVAILABLE], [TEMPUNAVAIL]) */
export type ProxyAttributes = ReadonlyMap<string, string | null>;

const LONGEST_VALUE = 255;
const UNKNOWN = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i;

// A name that is no host name is a nuisance in logs and fields.
const hostName = (value: string) => (/^[A-Za-z0-9._-]+$/.test(value) ? value : null);
const words = (value: string) => (/^[\x20-\x7e]+$/.test(value) ? value : null);
const oneOf = (form: RegExp) => (value: string) => (form.test(value) ? value.toUpperCase() : null);
const port = (value: string) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? `${Number(value)}` : null;

function ip(value: string): string | null {
  const address = parseIp(value.replace(/^IPV6:/i, ''));
  return address === null ? null : showIp(address);
}

/** The value in its usual form; null when it may not be. */
const readers = {
  NAME: hostName,
  ADDR: ip,
  PORT: port,
  PROTO: oneOf(/^(?:E?SMTP|LMTP)$/i),
  HELO: words,
  LOGIN: words,
  DESTADDR: ip,
  DESTPORT: port,
  IDENT: words,
  SOURCE: oneOf(/^(?:LOCAL|REMOTE)$/i),
} as const satisfies Record<string, (value: string) => string | null>;

export type ProxyAttribute = keyof typeof readers;

/** @param known the attributes that the command takes */
export function parseProxyAttributes(
  argument: string,
  known: readonly ProxyAttribute[],
): ProxyAttributes | { readonly problem: string } {
  const attributes = new Map<string, string | null>();
  for (const word of argument.split(/ +/)) {
    const equals = word.indexOf('=');
    const name = known.find((candidate) => candidate === word.slice(0, equals).toUpperCase());
    if (equals < 0 || name === undefined)
      return { problem: `Syntax: ${known.join('=… ')}=…`.replaceAll('…', 'value') };
    const value = readValue(name, word.slice(equals + 1));
    if (value === undefined) return { problem: `the value of ${name} is not valid` };
    attributes.set(name, value);
  }
  return attributes;
}

/** undefined: not valid */
function readValue(name: ProxyAttribute, xtext: string): string | null | undefined {
  if (UNKNOWN.test(xtext)) return null;
  const value = decodeXtext(xtext);
  if (value === null || value === '' || value.length > LONGEST_VALUE) return undefined;
  return readers[name](value) ?? undefined;
}
