// The PROXY header (haproxy's proxy-protocol.txt), version 1 and 2: the first octets of a connection, by which a
// proxy says who its client is. Read strictly: whoever may send it is believed, so nothing in it is guessed.

import { parseIp } from './ip-address.ts';
import { showIp } from './ip-text.ts';
import { type ProxiedTls, readProxiedTls } from './proxied-tls.ts';

export interface ProxiedAddresses {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
}

/**
 * `proxied`: `addresses` are those of the client. `local`: the proxy speaks for itself. `unknown`: there is a client,
 * and the proxy cannot say who.
 */
export interface ProxyHeader {
  readonly kind: 'proxied' | 'local' | 'unknown';
  readonly version: 1 | 2;
  /** octets of the header; what follows is the client's */
  readonly length: number;
  readonly addresses: ProxiedAddresses | null;
  readonly tls: ProxiedTls | null;
}

export type ProxyReading =
  | ProxyHeader
  /** it may become one */
  | { readonly kind: 'more' }
  /** something else has come */
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly why: string };

/** Most octets of a header: version 1 as the specification has it; version 2 with certificates of clients in it. */
export const LONGEST_V1 = 107;
export const LONGEST_V2 = 16 + 16_384;

const V1_START = Buffer.from('PROXY ', 'latin1');
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_FORM = /^PROXY (TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})$/;
const V1_UNKNOWN = /^PROXY UNKNOWN(?: [\x20-\x7e]*)?$/;
const PORT = /^(?:0|[1-9]\d*)$/;

/** @param octets all that has come of the connection so far */
export function readProxyHeader(octets: Buffer): ProxyReading {
  if (beginsWith(octets, V1_START))
    return octets.length < V1_START.length ? { kind: 'more' } : readV1(octets);
  if (beginsWith(octets, V2_START)) return octets.length < 16 ? { kind: 'more' } : readV2(octets);
  return { kind: 'none' };
}

/** Whether as many octets as there are agree. */
function beginsWith(octets: Buffer, start: Buffer): boolean {
  const length = Math.min(octets.length, start.length);
  return octets.compare(start, 0, length, 0, length) === 0;
}

function readV1(octets: Buffer): ProxyReading {
  const end = octets.subarray(0, LONGEST_V1).indexOf('\n');
  if (end < 0) return octets.length < LONGEST_V1 ? { kind: 'more' } : bad('its line is too long');
  if (octets[end - 1] !== 0x0d) return bad('its line does not end in CRLF');
  const line = octets.toString('latin1', 0, end - 1);
  const facts = { version: 1, length: end + 1, tls: null } as const;
  if (V1_UNKNOWN.test(line)) return { kind: 'unknown', ...facts, addresses: null };
  const [, family, source = '', target = '', sourcePort = '', targetPort = ''] = V1_FORM.exec(line) ?? [];
  if (family === undefined) return bad('its line is malformed');
  const remoteIp = ipOfFamily(source, family);
  const localIp = ipOfFamily(target, family);
  if (remoteIp === null || localIp === null) return bad('it has an address that is none of its family');
  const remotePort = readPort(sourcePort);
  const localPort = readPort(targetPort);
  if (remotePort === null || localPort === null) return bad('it has a port that is none');
  return { kind: 'proxied', ...facts, addresses: { remoteIp, remotePort, localIp, localPort } };
}

/** TCP6 may hold IPv4-mapped addresses, which are IPv4 addresses for the rest of the program. */
function ipOfFamily(text: string, family: string): string | null {
  const address = text.includes(':') === (family === 'TCP6') ? parseIp(text) : null;
  return address === null ? null : showIp(address);
}

function readPort(text: string): number | null {
  return PORT.test(text) && Number(text) <= 65_535 ? Number(text) : null;
}

const ADDRESS_OCTETS = { 17: 4, 33: 16 } as const;
const UNSPECIFIED = 0x00;
const UNIX_STREAM = 0x31;
const UNIX_OCTETS = 216;

function readV2(octets: Buffer): ProxyReading {
  const command = octets.readUInt8(12);
  if (command !== 0x20 && command !== 0x21) return bad('its version or command is unknown');
  const length = 16 + octets.readUInt16BE(14);
  if (length > LONGEST_V2) return bad('it is too long');
  if (octets.length < length) return { kind: 'more' };
  const block = octets.subarray(16, length);
  const facts = { version: 2, length } as const;
  if (command === 0x20) return { kind: 'local', ...facts, addresses: null, tls: null };
  return readV2Client(octets.readUInt8(13), block, facts);
}

function readV2Client(family: number, block: Buffer, facts: { version: 2; length: number }): ProxyReading {
  if (family === UNSPECIFIED) return { kind: 'unknown', ...facts, addresses: null, tls: null };
  const isUnix = family === UNIX_STREAM;
  if (!isUnix && family !== 0x11 && family !== 0x21) return bad('its family is unknown, or no stream');
  const size = isUnix ? UNIX_OCTETS : 2 * ADDRESS_OCTETS[family] + 4;
  if (block.length < size) return bad('it is too short for its addresses');
  const tls = readProxiedTls(block.subarray(size));
  if (tls === 'malformed') return bad('its extensions are malformed');
  const known = { ...facts, tls };
  if (isUnix) return { kind: 'unknown', ...known, addresses: null };
  return { kind: 'proxied', ...known, addresses: readAddresses(block, ADDRESS_OCTETS[family]) };
}

function readAddresses(block: Buffer, size: number): ProxiedAddresses {
  return {
    remoteIp: readIp(block.subarray(0, size)),
    localIp: readIp(block.subarray(size, 2 * size)),
    remotePort: block.readUInt16BE(2 * size),
    localPort: block.readUInt16BE(2 * size + 2),
  };
}

function readIp(octets: Buffer): string {
  const words: number[] = [];
  for (let at = 0; at < octets.length; at += 4) words.push(octets.readUInt32BE(at));
  const isMapped = words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  if (words.length === 1 || isMapped) return showIp({ family: 4, words: words.slice(-1) });
  return showIp({ family: 6, words });
}

function bad(why: string): ProxyReading {
  return { kind: 'bad', why };
}
