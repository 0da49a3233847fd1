// One run of a hash function over password and salt, as LDAP servers keep passwords (RFC 2307; {SSHA} and its like):
// `{SSHA}` and Base64 of digest and salt. Cheap to guess, so only for what is there already.

import { hash } from 'node:crypto';
import type { PasswordHash } from './password-hash.ts';
import { isSame } from './same.ts';

interface Digest {
  readonly algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512';
  readonly size: number;
  readonly salted: boolean;
}

const digests: Readonly<Record<string, Digest>> = {
  SMD5: { algorithm: 'md5', size: 16, salted: true },
  SHA: { algorithm: 'sha1', size: 20, salted: false },
  SSHA: { algorithm: 'sha1', size: 20, salted: true },
  SHA256: { algorithm: 'sha256', size: 32, salted: false },
  SSHA256: { algorithm: 'sha256', size: 32, salted: true },
  SHA512: { algorithm: 'sha512', size: 64, salted: false },
  SSHA512: { algorithm: 'sha512', size: 64, salted: true },
};

export const plainDigestSchemes: readonly string[] = Object.keys(digests);

/** @throws Error with a sentence when `text`, which stands behind `{SCHEME}`, is not of that scheme */
export function parsePlainDigest(scheme: string, text: string): PasswordHash {
  const form = digests[scheme];
  if (form === undefined) throw new Error(`{${scheme}} is not known`);
  const { algorithm, size, salted } = form;
  const octets = Buffer.from(text, 'base64');
  const hasSalt = octets.length > size;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || octets.length < size || hasSalt !== salted) {
    throw new Error(`it is not Base64 of ${size} octets${salted ? ' and a salt' : ''}`);
  }
  const wanted = octets.subarray(0, size);
  const salt = octets.subarray(size);
  return {
    scheme,
    scram: null,
    matches: (password) => isSame(hash(algorithm, Buffer.concat([password, salt]), 'buffer'), wanted),
  };
}
