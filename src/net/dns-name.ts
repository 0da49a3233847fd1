// Names that can be asked for, and the names under which addresses are listed (RFC 1035 2.3.4 and 3.5,
// RFC 3596 2.5). Any printable ASCII goes through, blanks included: macros of SPF produce such names.
// Other octets do not: RFC 8616 4 lets a macro of a non-ASCII local part match nothing.

import { isIPv4, isIPv6 } from 'node:net';

const MAX_NAME = 253;
const MAX_LABEL = 63;

/** The name without a final dot, or null where the wire format has no room for it. */
export function askableName(name: string): string | null {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  if (bare.length > MAX_NAME || !/^[\x20-\x7e]+$/.test(bare)) return null;
  const fits = bare.split('.').every((label) => label.length > 0 && label.length <= MAX_LABEL);
  return fits ? bare : null;
}

/** `4.3.2.1.in-addr.arpa` or its form under ip6.arpa; null for what is no address. */
export function reverseName(ip: string): string | null {
  const plain = unmapped(ip);
  if (isIPv4(plain)) return `${plain.split('.').reverse().join('.')}.in-addr.arpa`;
  if (!isIPv6(plain)) return null;
  return `${[...hexDigits(plain)].reverse().join('.')}.ip6.arpa`;
}

/** 127.0.0.0/8 and ::1 in any spelling. */
export function isLoopback(ip: string): boolean {
  const plain = unmapped(ip);
  if (isIPv4(plain)) return plain.startsWith('127.');
  return isIPv6(plain) && /^0{31}1$/.test(hexDigits(plain));
}

// An IPv4 client of a dual-stack listener arrives as ::ffff:192.0.2.1, but has its name under in-addr.arpa.
function unmapped(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [, tail] = /^0{20}ffff(.{8})$/.exec(hexDigits(ip)) ?? [];
  if (tail === undefined) return ip;
  return [...Buffer.from(tail, 'hex')].join('.');
}

/** The 32 digits of an IPv6 address; a zone (`%eth0`) is left out. */
function hexDigits(ip: string): string {
  const [address = ''] = ip.toLowerCase().split('%');
  const hexOnly = address.replace(/\d+\.\d+\.\d+\.\d+$/, (quad) => {
    const hex = Buffer.from(quad.split('.').map(Number)).toString('hex');
    return `${hex.slice(0, 4)}:${hex.slice(4)}`;
  });
  const [head = '', tail = ''] = hexOnly.split('::');
  const before = groups(head);
  const after = groups(tail);
  return before + '0'.repeat(32 - before.length - after.length) + after;
}

function groups(part: string): string {
  if (part === '') return '';
  return part
    .split(':')
    .map((group) => group.padStart(4, '0'))
    .join('');
}
