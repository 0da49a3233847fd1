// The client's message of the mechanisms that carry an OAuth 2.0 bearer token: OAUTHBEARER (RFC 7628 section 3.1)
// and XOAUTH2, its forerunner, as Google documents it. Both are key-value pairs that end in ^A, and a ^A.

export interface BearerMessage {
  /** empty where the client gives none */
  readonly user: string;
  /** empty where the client gives none */
  readonly token: string;
}

const SEPARATOR = '\x01';
const PAIR = /^([A-Za-z0-9]+)=(.*)$/s;
// RFC 6750 section 2.1
const AUTHORIZATION = /^bearer +([A-Za-z0-9\-._~+/]*=*)$/i;
const GS2_HEADER = /^[ny],(?:a=([^,]*))?,$/;

/** `user=USER^Aauth=Bearer TOKEN^A^A`; null for anything else. */
export function readXoauth2(message: string): BearerMessage | null {
  const pairs = readPairs(message.split(SEPARATOR));
  const token = tokenOf(pairs);
  return pairs === null || token === null ? null : { user: pairs.get('user') ?? '', token };
}

/** `n,a=USER,^Ahost=HOST^Aport=PORT^Aauth=Bearer TOKEN^A^A`; null for anything else. */
export function readOauthBearer(message: string): BearerMessage | null {
  const [header = '', ...rest] = message.split(SEPARATOR);
  const [matched, name = ''] = GS2_HEADER.exec(header) ?? [];
  const token = tokenOf(readPairs(rest));
  const user = readSaslName(name);
  return matched === undefined || token === null || user === null ? null : { user, token };
}

/** RFC 5801 section 4: comma and equals sign are written =2C and =3D. Null for another use of the equals sign. */
export function readSaslName(text: string): string | null {
  if (/=(?!2C|3D)/.test(text)) return null;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function readPairs(parts: readonly string[]): ReadonlyMap<string, string> | null {
  // A message that ends in two separators leaves two empty parts.
  if (parts.length < 3 || parts.at(-1) !== '' || parts.at(-2) !== '') return null;
  const pairs = new Map<string, string>();
  for (const part of parts.slice(0, -2)) {
    const [, key, value] = PAIR.exec(part) ?? [];
    if (key === undefined || value === undefined || pairs.has(key)) return null;
    pairs.set(key, value);
  }
  return pairs;
}

function tokenOf(pairs: ReadonlyMap<string, string> | null): string | null {
  return AUTHORIZATION.exec(pairs?.get('auth') ?? '')?.[1] ?? null;
}

/** What a client is told of a token that does not do, before it may send its last word (RFC 7628 section 3.2.2). */
export function bearerFailure(mechanism: string): Buffer {
  // Clients of Google's mechanism expect an HTTP status.
  const status = mechanism === 'XOAUTH2' ? '401' : 'invalid_token';
  return Buffer.from(JSON.stringify({ status, schemes: 'bearer', scope: '' }));
}
