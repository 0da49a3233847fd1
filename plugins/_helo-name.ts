// What can be said of a HELO name without asking anybody: entries of badhelo, and the tests that go by the name and the
// client's address alone (RFC 5321 sections 2.3.5, 4.1.1.1 and 4.1.3).

import { isIP } from 'node:net';
import { compilePattern, isDomainOrLiteral, NetworkList } from 'qpsmtpd';

/** Why a name is refused. */
export interface Complaint {
  /** for the client */
  readonly text: string;
  /** for the log */
  readonly log: string;
  readonly status: '5.7.1' | '5.7.25';
}

export interface BadHelo {
  readonly entry: string;
  /** @param name in lower case, without a final dot */
  matches(name: string): boolean;
}

const PATTERN_CHARACTER = /[{}[\]()^$|*+?\\!]/;
const BETWEEN_SLASHES = /^\/(.+)\/$/;
const LITERAL = /^\[(?:ipv6:)?([^\]]*)\]$/i;
const LOOPBACK = NetworkList.parse(['127.0.0.0/8', '::1']);
// RFC 1918, 3927, 4193, 6598: they are no one host's, so nobody can pretend to be it.
const PRIVATE = NetworkList.parse([
  ...[
    '10.0.0.0/8',
    '100.64.0.0/10',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.168.0.0/16',
    'fc00::/7',
    'fe80::/10',
  ],
]);

/**
 * Reads `NAME|PATTERN|!PATTERN`. A name matches in any case, a pattern is tried on the name in lower case.
 *
 * @throws Error with a sentence for the operator
 */
export function parseBadHelo(line: string): BadHelo {
  const entry = line.trim();
  // In Perl, the brackets of a literal were a set of characters, which nearly every name has one of.
  const isLiteral = literalAddress(entry) !== null;
  const isPattern = !isLiteral && (PATTERN_CHARACTER.test(entry) || BETWEEN_SLASHES.test(entry));
  if (isPattern) return { entry, matches: patternTest(entry) };
  if (/\s/.test(entry))
    throw new Error(`"${entry}" is no name: a line has one name or pattern, and nothing else`);
  const name = plainName(entry);
  return { entry, matches: (given) => given === name };
}

function patternTest(entry: string): BadHelo['matches'] {
  const isNegated = entry.startsWith('!');
  const text = isNegated ? entry.slice(1) : entry;
  const pattern = compilePattern(BETWEEN_SLASHES.exec(text)?.[1] ?? text);
  return isNegated ? (name) => !pattern.test(name) : (name) => pattern.test(name);
}

/** Names are compared like this: mail.example. is mail.example. */
export function plainName(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

export function inBadHelo(name: string, list: readonly BadHelo[]): Complaint | null {
  const found = list.find(({ matches }) => matches(name));
  return found === undefined
    ? null
    : complaint('this name is not taken from anybody', `badhelo: ${found.entry}`);
}

export function falseLocalhost(name: string, ip: string): Complaint | null {
  if (name !== 'localhost' || LOOPBACK.contains(ip)) return null;
  return complaint('you are not localhost', 'not localhost');
}

/** The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]`, or in the latter without its tag; null for what is none. */
export function literalAddress(host: string): string | null {
  const [, address = ''] = LITERAL.exec(host) ?? [];
  return isIP(address) === 0 ? null : address;
}

/** Mail programs behind translated addresses know their private one only, and say it. */
export function forgedLiteral(host: string, ip: string): Complaint | null {
  const address = literalAddress(host)?.replace(/%.*/, '') ?? null;
  if (address === null || PRIVATE.contains(address) || NetworkList.parse([address]).contains(ip)) return null;
  return complaint('this address is not yours', 'forged address literal');
}

export function plainAddress(name: string): Complaint | null {
  if (isIP(name) === 0) return null;
  return complaint(
    'an address is no name: it stands in brackets (RFC 5321 section 4.1.3)',
    'plain IP address',
  );
}

export function notQualified(name: string): Complaint | null {
  if (literalAddress(name) !== null) return null;
  if (/[^a-z0-9.-]/.test(name) || !isDomainOrLiteral(name))
    return complaint('this cannot be the name of a host', 'characters or labels that no host name has');
  return name.includes('.')
    ? null
    : complaint('a name needs its domain (RFC 5321 section 2.3.5)', 'no domain');
}

export function anyLiteral(host: string): Complaint | null {
  if (literalAddress(host) === null) return null;
  return complaint('a name is wanted here, not an address', 'address literal');
}

function complaint(text: string, log: string): Complaint {
  return { text, log, status: '5.7.1' };
}
