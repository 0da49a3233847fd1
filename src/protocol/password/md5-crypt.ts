// $1$: Poul-Henning Kamp's md5crypt of FreeBSD, `$1$SALT$DIGEST`. Long outdated, and still in many a file.

import { hash } from 'node:crypto';
import { cryptDigits, type Group } from './crypt-base64.ts';
import { type PasswordHash, ROUNDS_PER_STEP } from './password-hash.ts';
import { isSame } from './same.ts';
import { lengthBits, stretched } from './sha-crypt.ts';

const GROUPS: readonly Group[] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]];
const FORM = /^\$1\$([^$:\n]*)\$([./0-9A-Za-z]{22})$/;
const ROUNDS = 1000;
const LONGEST_SALT = 8;
const NUL = Buffer.of(0);

/** @throws Error with a sentence when it is not a hash of this scheme */
export function parseMd5Crypt(text: string): PasswordHash {
  const [, salt, digest = ''] = FORM.exec(text) ?? [];
  if (salt === undefined) throw new Error('it is not a whole MD5-crypt hash: $1$SALT$DIGEST');
  const octets = Buffer.from(salt).subarray(0, LONGEST_SALT);
  return {
    scheme: 'MD5-CRYPT',
    scram: null,
    *matches(password) {
      return isSame(cryptDigits(yield* md5Crypt(password, octets), GROUPS), digest);
    },
  };
}

function* md5Crypt(password: Buffer, salt: Buffer): Generator<void, Buffer> {
  const digestOf = (...parts: readonly Buffer[]) => hash('md5', Buffer.concat(parts), 'buffer');
  const mixed = stretched(digestOf(password, salt, password), password.length);
  const perBit = lengthBits(password.length).map((bit) => (bit ? NUL : password.subarray(0, 1)));
  let digest = digestOf(password, Buffer.from('$1$'), salt, mixed, ...perBit);
  for (let round = 0; round < ROUNDS; round++) {
    const parts = [round & 1 ? password : digest];
    if (round % 3 !== 0) parts.push(salt);
    if (round % 7 !== 0) parts.push(password);
    parts.push(round & 1 ? digest : password);
    digest = digestOf(...parts);
    if (round % ROUNDS_PER_STEP === 0) yield;
  }
  return digest;
}
