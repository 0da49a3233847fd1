// DNS messages: a question to octets, a reply to a typed answer (RFC 1035 4, RFC 2308 for what is missing).
// The wire format is dns-packet's work; it throws on many malformed replies and misreads others, so replies are
// checked before and behind it. Only answer and authority section count; nothing is believed of names not asked for.

import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED, type TxtData } from 'dns-packet';
import { type DnsAnswer, type DnsRecord, failed, noData, noName, type QuestionType } from './dns-answer.ts';
import { keepsToBounds } from './dns-bounds.ts';

const HEADER = 12;
const NXDOMAIN = 3;
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
const MAX_ALIASES = 16;
const MAX_TTL = 0x7fffffff;

/** An answer and for how many seconds it may be kept; 0 = not at all. */
export interface Reading {
  readonly answer: DnsAnswer<DnsRecord>;
  readonly keep: number;
}

type DataRecord = Exclude<Answer, { type: 'OPT' }>;

// No EDNS: replies stay below 512 octets, which are never sent in fragments that a stranger could replace.
export function encodeQuestion(id: number, type: QuestionType, name: string): Buffer {
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type, name }] });
}

/** Does the reply carry id and question of the query? Octets are compared: decoding would blur names. */
export function repliesTo(query: Buffer, reply: Buffer): boolean {
  if (reply.length < query.length) return false;
  const isReply = ((reply[2] ?? 0) & 0xf8) === 0x80;
  if (!isReply || reply.readUInt16BE(0) !== query.readUInt16BE(0) || reply.readUInt16BE(4) !== 1)
    return false;
  return questionOf(reply, query.length) === questionOf(query, query.length);
}

// Servers may change the case of a name (RFC 4343). No length, type or class that we send is a letter.
function questionOf(message: Buffer, end: number): string {
  return message.toString('latin1', HEADER, end).toLowerCase();
}

/** Is the reply cut short, so that it must be asked for over TCP? */
export function isTruncated(reply: Buffer): boolean {
  return ((reply[2] ?? 0) & 0x02) !== 0;
}

/** Reads a reply for which `repliesTo` holds. Never throws: what cannot be read is a failure. */
export function readReply(type: QuestionType, reply: Buffer): Reading {
  const rcode = (reply[3] ?? 0) & 0x0f;
  if (rcode !== 0 && rcode !== NXDOMAIN) return failure(RCODES[rcode] ?? `RCODE ${rcode}`);
  const packet = decodeReply(reply);
  const name = packet?.questions?.[0]?.name;
  if (!packet || name === undefined) return failure('malformed reply');
  if (rcode === NXDOMAIN) return { answer: noName, keep: negativeTtl(packet) };
  const found = follow(name, type, packet.answers ?? []);
  if (found === null) return failure('CNAME loop');
  if (found.records.length > 0) return readRecords(found.records, found.ttl);
  if (isReferral(packet)) return failure('the server does not recurse');
  return { answer: noData, keep: Math.min(found.ttl, negativeTtl(packet)) };
}

function failure(reason: string): Reading {
  return { answer: failed(reason), keep: 0 };
}

// The additional section (OPT, glue) is of no use here, and must not make a good answer unreadable.
function decodeReply(reply: Buffer): Packet | null {
  if (!keepsToBounds(reply)) return null;
  const copy = Buffer.from(reply);
  copy.writeUInt16BE(0, 10);
  try {
    return decode(copy);
  } catch {
    return null;
  }
}

interface Found {
  readonly records: readonly DataRecord[];
  /** the smallest on the way, in seconds */
  readonly ttl: number;
}

/** The records of a name, past its aliases; null when the aliases do not end. */
function follow(start: string, type: QuestionType, answers: readonly Answer[]): Found | null {
  let name = start.toLowerCase();
  let ttl = MAX_TTL;
  for (let hops = 0; hops <= MAX_ALIASES; hops++) {
    const own = answers.filter(isDataRecord).filter((record) => record.name.toLowerCase() === name);
    const records = own.filter((record) => record.type === type);
    const alias = own.find((record) => record.type === 'CNAME');
    if (records.length > 0) return { records, ttl: Math.min(ttl, ...records.map(ttlOf)) };
    if (typeof alias?.data !== 'string') return { records, ttl };
    name = alias.data.toLowerCase();
    ttl = Math.min(ttl, ttlOf(alias));
  }
  return null;
}

function isDataRecord(record: Answer): record is DataRecord {
  return record.type !== 'OPT' && record.class === 'IN';
}

// RFC 2181 8: a TTL with the top bit set counts as 0.
function ttlOf(record: DataRecord): number {
  const ttl = record.ttl ?? 0;
  return ttl > MAX_TTL ? 0 : ttl;
}

function readRecords(records: readonly DataRecord[], ttl: number): Reading {
  const values = records.map(readRecord).filter((value) => value !== null);
  if (values.length === 0) return { answer: noData, keep: ttl };
  return { answer: { kind: 'answer', values: Object.freeze(values), ttl }, keep: ttl };
}

function readRecord(record: DataRecord): DnsRecord | null {
  switch (record.type) {
    case 'A':
      return isIPv4(record.data) ? { text: record.data, preference: 0 } : null;
    case 'AAAA':
      return isIPv6(record.data) ? { text: canonical(record.data), preference: 0 } : null;
    case 'MX':
      return readName(record.data.exchange, record.data.preference);
    case 'NS':
    case 'PTR':
      return readName(record.data);
    case 'TXT':
      return { text: joined(record.data), preference: 0 };
    default:
      return null;
  }
}

// Names end up in logs, replies and trace fields, and whoever owns an address chooses its name: one with
// blanks, line ends or octets beyond ASCII is no host name and is left out.
function readName(name: string, preference = 0): DnsRecord | null {
  return /^[\x21-\x7e]+$/.test(name) ? { text: name, preference } : null;
}

// The spelling of RFC 5952, which sockets use too, so that addresses can be compared as strings.
function canonical(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

// RFC 7208 3.3, RFC 6376 3.6.2.2: the strings of one record belong together, without a gap.
function joined(data: TxtData): string {
  const parts = Array.isArray(data) ? data : [data];
  return parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))).join('');
}

// RFC 2308 5: without a SOA record, "there is none" must not be kept.
function negativeTtl(packet: Packet): number {
  const soa = packet.authorities?.filter(isDataRecord).find((record) => record.type === 'SOA');
  return soa?.type === 'SOA' ? Math.min(ttlOf(soa), soa.data.minimum ?? 0) : 0;
}

// A server that only points elsewhere (RFC 2308 2.2, "referral") has said nothing about the name.
function isReferral(packet: Packet): boolean {
  const authorities = packet.authorities ?? [];
  const answers = packet.answers ?? [];
  return (
    answers.length === 0 &&
    authorities.some((record) => record.type === 'NS') &&
    !authorities.some((record) => record.type === 'SOA')
  );
}
