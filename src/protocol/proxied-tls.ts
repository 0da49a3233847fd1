// The extensions behind the addresses of a PROXY header of version 2 (haproxy's proxy-protocol.txt, section 2.2), as
// far as they concern TLS. The others are passed over.

/** What a proxy that has ended the client's TLS says of it. */
export interface ProxiedTls {
  /** TLSv1.3, … */
  readonly protocol: string;
  readonly cipher: string;
  /** the name that the client asked for (SNI), in lower case */
  readonly serverName: string | null;
}

const AUTHORITY = 0x02;
const SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_CIPHER = 0x23;
const CLIENT_SSL = 0x01;

/** @param octets type, length and value, one field after the other */
export function readProxiedTls(octets: Buffer): ProxiedTls | null | 'malformed' {
  const fields = readFields(octets);
  if (fields === null) return 'malformed';
  const ssl = fields.get(SSL);
  if (ssl === undefined) return null;
  const more = ssl.length < 5 ? null : readFields(ssl.subarray(5));
  if (more === null) return 'malformed';
  if ((ssl.readUInt8(0) & CLIENT_SSL) === 0) return null;
  return {
    protocol: readWord(more.get(SSL_VERSION)) ?? 'TLS',
    cipher: readWord(more.get(SSL_CIPHER)) ?? 'unknown',
    serverName: readWord(fields.get(AUTHORITY))?.toLowerCase() ?? null,
  };
}

/** By type; null when one does not fit in. */
function readFields(octets: Buffer): ReadonlyMap<number, Buffer> | null {
  const fields = new Map<number, Buffer>();
  for (let at = 0; at < octets.length; ) {
    if (at + 3 > octets.length) return null;
    const end = at + 3 + octets.readUInt16BE(at + 1);
    if (end > octets.length) return null;
    fields.set(octets.readUInt8(at), octets.subarray(at + 3, end));
    at = end;
  }
  return fields;
}

function readWord(field: Buffer | undefined): string | null {
  const text = field?.toString('latin1') ?? '';
  return /^[A-Za-z0-9._-]{1,100}$/.test(text) ? text : null;
}
