// Does every record of a DNS reply keep to its own length (RFC 1035 4.1.3)? dns-packet goes by the content of a
// record and ignores RDLENGTH: an A record cut short becomes "1.2.undefined.undefined", a short AAAA reads
// octets of the next record, and all that follows is out of step. So lengths are checked before it decodes.

const HEADER = 12;
/** type, class, TTL and length of the data, behind the name */
const FIXED = 10;
/** More records than any answer in mail has; bounds the work that one reply can cause. */
const MAX_RECORDS = 1000;

const A = 1;
const NS = 2;
const CNAME = 5;
const SOA = 6;
const PTR = 12;
const MX = 15;
const TXT = 16;
const AAAA = 28;

/** Tells whether question, answer and authority section can be decoded. The additional section is not looked at. */
export function keepsToBounds(reply: Buffer): boolean {
  if (reply.length < HEADER || reply.readUInt16BE(4) !== 1) return false;
  const records = reply.readUInt16BE(6) + reply.readUInt16BE(8);
  if (records > MAX_RECORDS) return false;
  let offset = nameEnd(reply, HEADER) + 4;
  for (let left = records; left > 0; left--) offset = recordEnd(reply, offset);
  return offset <= reply.length;
}

/** Where the record at `offset` ends; NaN (which fails every comparison) when it is broken. */
function recordEnd(reply: Buffer, offset: number): number {
  const fixed = nameEnd(reply, offset);
  if (!(fixed + FIXED <= reply.length)) return Number.NaN;
  const start = fixed + FIXED;
  const end = start + reply.readUInt16BE(start - 2);
  return dataEnd(reply, reply.readUInt16BE(fixed), start, end) === end ? end : Number.NaN;
}

/** Where the data of a record ends by its own content. */
function dataEnd(reply: Buffer, type: number, start: number, end: number): number {
  switch (type) {
    case A:
      return start + 4;
    case AAAA:
      return start + 16;
    case NS:
    case CNAME:
    case PTR:
      return nameEnd(reply, start);
    case MX:
      return nameEnd(reply, start + 2);
    case SOA:
      return nameEnd(reply, nameEnd(reply, start)) + 20;
    case TXT:
      return stringsEnd(reply, start, end);
    default:
      return end;
  }
}

function stringsEnd(reply: Buffer, start: number, end: number): number {
  let offset = start;
  while (offset < end) offset += 1 + (reply[offset] ?? 0);
  return offset;
}

/** Where a name ends in place: behind its root label or its first pointer (RFC 1035 4.1.4). */
function nameEnd(reply: Buffer, start: number): number {
  let offset = start;
  for (;;) {
    const length = reply[offset];
    if (length === undefined) return Number.NaN;
    if (length === 0) return offset + 1;
    if (length >= 0xc0) return offset + 2;
    if (length > 63) return Number.NaN;
    offset += 1 + length;
  }
}
