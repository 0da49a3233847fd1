// Networks of clients, as the lists of qpsmtpd write them: addresses, CIDR blocks, and prefixes that end in a
// dot or colon (the files of its plugin relay). An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the
// IPv4 address, in lists and in questions, as a socket may show either form of one client.

import { type IpAddress, joinOctets, parseIp, toWords } from './ip-address.ts';

/** All addresses that begin with the first `bits` bits of `words`; the bits behind are zero. */
export interface Network extends IpAddress {
  readonly bits: number;
}

const GROUP = /^[0-9a-f]{1,4}$/i;
const EXPANDED_GROUP = /^[0-9a-f]{4}$/i;

/**
 * Reads `10.1.2.3`, `10.1.`, `10.1.0.0/16`, `2001:db8::1`, `2001:db8:`, `2001:db8::/32`, or the first hex digits
 * of an expanded IPv6 address, such as `2001:0DB8:4` (36 bits). In a CIDR block, bits behind the length are ignored.
 * @throws Error with a sentence for the operator
 */
export function parseNetwork(text: string): Network {
  const slash = text.indexOf('/');
  if (slash >= 0) return parseBlock(text, text.slice(0, slash), text.slice(slash + 1));
  const address = parseIp(text);
  if (address) return network(address, address.words.length * 32);
  const prefix = text.includes(':') ? parseIpv6Prefix(text) : parseIpv4Prefix(text);
  if (prefix) return prefix;
  if (/^\d{1,3}(?:\.\d{1,3}){0,2}$/.test(text)) {
    throw new Error(`"${text}" is no whole address; a prefix ends in a dot: "${text}."`);
  }
  throw new Error(`"${text}" is not an IP address, a network or a prefix that ends in a dot or colon`);
}

/** A set of networks. A question costs one look-up for each prefix length in the list. */
export class NetworkList {
  readonly #levels: { family: 4 | 6; bits: number; members: Set<string | number> }[] = [];

  constructor(networks: Iterable<Network>) {
    for (const { family, bits, words } of networks) {
      let level = this.#levels.find((known) => known.family === family && known.bits === bits);
      if (level === undefined) {
        level = { family, bits, members: new Set() };
        this.#levels.push(level);
      }
      level.members.add(keyOf(words, bits));
    }
  }

  /** @throws Error as parseNetwork does, for the first text that is no network */
  static parse(texts: Iterable<string>): NetworkList {
    return new NetworkList(Array.from(texts, parseNetwork));
  }

  get isEmpty(): boolean {
    return this.#levels.length === 0;
  }

  /** False for what is no address. The zone of a link-local address (`fe80::1%eth0`) is ignored. */
  contains(ip: string): boolean {
    if (this.#levels.length === 0) return false;
    const zone = ip.indexOf('%');
    const address = parseIp(zone < 0 ? ip : ip.slice(0, zone));
    if (address === null) return false;
    const { family, words } = address;
    return this.#levels.some(
      (level) => level.family === family && level.members.has(keyOf(words, level.bits)),
    );
  }
}

function parseBlock(whole: string, base: string, length: string): Network {
  const short = /^\d{1,3}(?:\.\d{1,3}){0,2}$/.test(base);
  const padded = short ? base + '.0'.repeat(4 - base.split('.').length) : base;
  const address = parseIp(padded);
  if (address === null) throw new Error(`"${base}" in "${whole}" is not an IP address`);
  // A mapped address has become an IPv4 one: its length counts from the front of the IPv6 form.
  const mapped = address.family === 4 && padded.includes(':');
  const most = padded.includes(':') ? 128 : 32;
  const bits = Number(length);
  if (!/^\d{1,3}$/.test(length) || bits > most) {
    throw new Error(`the prefix length in "${whole}" is not a number from 0 to ${most}`);
  }
  if (!mapped) return network(address, bits);
  if (bits >= 96) return network(address, bits - 96);
  throw new Error(`"${whole}" covers more than the IPv4 addresses; write the IPv4 or the IPv6 network`);
}

function parseIpv4Prefix(text: string): Network | null {
  const octets = text.split('.');
  const count = octets.length - 1;
  if (octets.pop() !== '' || count < 1 || count > 3) return null;
  const word = joinOctets([...octets, '0', '0', '0'].slice(0, 4));
  return word === null ? null : { family: 4, words: [word], bits: count * 8 };
}

// Without a colon at its end a prefix counts digit by digit, so that only written-out groups are unambiguous.
function parseIpv6Prefix(text: string): Network | null {
  const groups = text.split(':');
  const whole = groups.at(-1) === '';
  if (whole) groups.pop();
  const last = groups.at(-1) ?? '';
  const others = groups.slice(0, -1);
  if (groups.length > 7 || !GROUP.test(last)) return null;
  if (!others.every((group) => (whole ? GROUP : EXPANDED_GROUP).test(group))) return null;
  const values = groups.map((group) => Number.parseInt(group, 16));
  const digits = whole ? 4 : last.length;
  values[values.length - 1] = Number.parseInt(last, 16) << (4 * (4 - digits));
  const words = toWords([...values, ...Array<number>(8 - values.length).fill(0)]);
  return { family: 6, words, bits: others.length * 16 + digits * 4 };
}

function network({ family, words }: IpAddress, bits: number): Network {
  return { family, bits, words: words.map((word, at) => maskWord(word, bits - at * 32)) };
}

function maskWord(word: number, bits: number): number {
  if (bits >= 32) return word;
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
}

function keyOf(words: readonly number[], bits: number): string | number {
  const [only] = words;
  if (words.length === 1 && only !== undefined) return maskWord(only, bits);
  return words.map((word, at) => maskWord(word, bits - at * 32)).join(':');
}
