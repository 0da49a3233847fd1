// Passwords as they stand in files and databases: in clear, or a hash of one of many schemes that tells itself by how
// it begins. `{SCHEME}` before it, as Dovecot and LDAP have it, says so outright.

import { printable } from '../reply.ts';
import { parseArgon2 } from './argon2.ts';
import { parseBcrypt } from './bcrypt.ts';
import { parseMd5Crypt } from './md5-crypt.ts';
import type { PasswordHash } from './password-hash.ts';
import { parsePlainDigest, plainDigestSchemes } from './plain-digest.ts';
import { parseScramHash } from './scram-hash.ts';
import { parseShaCrypt } from './sha-crypt.ts';

/** What is known of a user's password. With both, either of them lets the user in. */
export interface StoredPassword {
  readonly clear?: string | null;
  readonly hash?: PasswordHash | null;
}

type Parser = (text: string) => PasswordHash;

const byPrefix: readonly (readonly [prefix: RegExp, parse: Parser])[] = [
  [/^\$[56]\$/, parseShaCrypt],
  [/^\$2[aby]\$/, parseBcrypt],
  [/^\$argon2(?:id|i|d)\$/, parseArgon2],
  [/^\$1\$/, parseMd5Crypt],
  [/^SCRAM-SHA-256\$\d/, parseScramHash],
];

// Hashes that are known by their beginning and cannot be checked here. Whoever writes one down does not mean the text
// itself as the password, and must not find it to be one.
const foreign: readonly (readonly [prefix: RegExp, name: string])[] = [
  [/^\$y\$/, 'yescrypt'],
  [/^\$gy\$/, 'gost-yescrypt'],
  [/^\$7\$/, 'scrypt'],
  [/^\$2x\$/, 'bcrypt of a faulty old version'],
  [/^\$3\$/, 'NT-hash'],
  [/^\$sha1\$/, 'SHA1-crypt'],
  [/^\$md5[$,]/, 'SunMD5'],
  [/^_[./0-9A-Za-z]{19}$/, 'BSDi extended DES crypt'],
  [/^[./0-9A-Za-z]{13}$/, 'traditional DES crypt'],
];

const clearSchemes = new Set(['PLAIN', 'CLEAR', 'CLEARTEXT']);
const cryptSchemes = new Set([
  'CRYPT',
  'SHA256-CRYPT',
  'SHA512-CRYPT',
  'MD5-CRYPT',
  'BLF-CRYPT',
  'ARGON2I',
  'ARGON2ID',
]);
const BRACES = /^\{([A-Za-z0-9][A-Za-z0-9.-]*)\}(.*)$/s;

/**
 * Reads a password in clear or a hash, as in `flat_auth_pw` or a database column that has both. A clear password that
 * begins like a hash has to be written with `{PLAIN}` before it.
 *
 * @throws Error with a sentence for the operator, which does not hold the password
 */
export function parseStoredPassword(text: string): StoredPassword {
  const [, named, rest = ''] = BRACES.exec(text) ?? [];
  const scheme = named?.toUpperCase();
  if (scheme !== undefined && clearSchemes.has(scheme)) return { clear: notEmpty(rest) };
  if (scheme !== undefined && isHashScheme(scheme)) return { hash: parsePasswordHash(text) };
  return looksLikeHash(text) ? { hash: parsePasswordHash(text) } : { clear: notEmpty(text) };
}

/**
 * Reads a hash: what crypt(3) gives, a PHC string, a SCRAM secret, or one of them or of the {SSHA} family behind
 * `{SCHEME}`.
 *
 * @throws Error with a sentence for the operator when it cannot be checked here; it does not hold the hash
 */
export function parsePasswordHash(text: string): PasswordHash {
  const [, named, rest = ''] = BRACES.exec(text) ?? [];
  const scheme = named?.toUpperCase();
  if (scheme === undefined) return parseCrypt(text);
  if (plainDigestSchemes.includes(scheme)) return parsePlainDigest(scheme, rest);
  if (scheme === 'SCRAM-SHA-256') return parseScramHash(rest);
  if (cryptSchemes.has(scheme)) return parseCrypt(rest);
  throw new Error(`the scheme {${printable(scheme)}} is not known here`);
}

/**
 * What an operator should know of a password that is taken for one in clear, as a sentence; null when there is
 * nothing to say.
 */
export function storedPasswordWarning(text: string): string | null {
  if (looksLikeHash(text)) return null;
  const [, scheme] = BRACES.exec(text) ?? [];
  if (scheme !== undefined) {
    if (clearSchemes.has(scheme.toUpperCase()) || isHashScheme(scheme.toUpperCase())) return null;
    return 'the password begins with a word in braces that is no scheme known here, so it is taken as it stands; if it is meant so, write {PLAIN} before it';
  }
  if (!text.startsWith('$')) return null;
  return 'the password begins with a dollar sign and is no hash that is known, so it is taken as it stands; if it is meant so, write {PLAIN} before it';
}

function parseCrypt(text: string): PasswordHash {
  const parse = byPrefix.find(([prefix]) => prefix.test(text))?.[1];
  if (parse !== undefined) return parse(text);
  const name = foreign.find(([prefix]) => prefix.test(text))?.[1];
  if (name === undefined) throw new Error('the hash is of no scheme that is known here');
  throw new Error(`${name} cannot be checked here; a hash that can begins with $6$, $2b$ or $argon2id$`);
}

function isHashScheme(scheme: string): boolean {
  return scheme === 'SCRAM-SHA-256' || cryptSchemes.has(scheme) || plainDigestSchemes.includes(scheme);
}

// The two DES forms hold only letters and digits: a password may look like that.
function looksLikeHash(text: string): boolean {
  const tells = ([prefix]: readonly [RegExp, unknown]) => prefix.test(text);
  return byPrefix.some(tells) || (text.startsWith('$') && foreign.some(tells));
}

function notEmpty(password: string): string {
  if (password === '') throw new Error('the password is empty');
  return password;
}
