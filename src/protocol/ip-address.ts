// IP addresses as numbers, RFC 4291 section 2.2 for IPv6. An IPv4-mapped IPv6 address (section 2.5.5.2) is the
// IPv4 address: a socket may show either form of one client.

/** An IP address as 32-bit words: one for IPv4, four for IPv6. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly words: readonly number[];
}

const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const LONGEST_ADDRESS = 45;

/** Reads an address without zone or prefix length; null when it is none. */
export function parseIp(text: string): IpAddress | null {
  if (text.length > LONGEST_ADDRESS) return null;
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpAddress | null {
  const octets = text.split('.');
  if (octets.length !== 4) return null;
  const word = joinOctets(octets);
  return word === null ? null : { family: 4, words: [word] };
}

/** Four octets to one word. Leading zeros are refused: some read them as octal. */
export function joinOctets(octets: readonly string[]): number | null {
  let word = 0;
  for (const octet of octets) {
    const value = Number(octet);
    if (!OCTET.test(octet) || value > 255) return null;
    word = word * 256 + value;
  }
  return word;
}

function parseIpv6(text: string): IpAddress | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = readGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? readGroups(halves[1] ?? '', true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const words = toWords([...head, ...Array<number>(missing).fill(0), ...tail]);
  const [first, second, third, last = 0] = words;
  const mapped = first === 0 && second === 0 && third === 0xffff;
  return mapped ? { family: 4, words: [last] } : { family: 6, words };
}

/** 16-bit groups; `atEnd` allows the last 32 bits in dotted form. */
function readGroups(text: string, atEnd: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    if (GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else {
      const word = atEnd && at === parts.length - 1 ? parseIpv4(part)?.words[0] : undefined;
      if (word === undefined) return null;
      groups.push(word >>> 16, word & 0xffff);
    }
  }
  return groups;
}

/** Eight 16-bit groups to four words. */
export function toWords(groups: readonly number[]): number[] {
  return [0, 2, 4, 6].map((at) => (((groups[at] ?? 0) << 16) | (groups[at + 1] ?? 0)) >>> 0);
}
