// $5$ and $6$: Ulrich Drepper's SHA-crypt (public domain specification, version 0.6), the usual hashes of /etc/shadow.
// `$6$rounds=N$SALT$DIGEST`; without rounds there are 5000 of them.

import { hash } from 'node:crypto';
import { cryptDigits, type Group, rotatingGroups } from './crypt-base64.ts';
import { type PasswordHash, ROUNDS_PER_STEP } from './password-hash.ts';
import { isSame } from './same.ts';

interface Kind {
  readonly scheme: string;
  readonly algorithm: 'sha256' | 'sha512';
  readonly size: number;
  readonly groups: readonly Group[];
  readonly digits: number;
}

const kinds: Readonly<Record<string, Kind>> = {
  5: {
    scheme: 'SHA256-CRYPT',
    algorithm: 'sha256',
    size: 32,
    groups: [...rotatingGroups([0, 10, 20], [2, 0, 1], 10), [31, 30]],
    digits: 43,
  },
  6: {
    scheme: 'SHA512-CRYPT',
    algorithm: 'sha512',
    size: 64,
    groups: [...rotatingGroups([0, 21, 42], [1, 2, 0], 21), [63]],
    digits: 86,
  },
};

const FORM = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:\n]*)\$([./0-9A-Za-z]+)$/;
const DEFAULT_ROUNDS = 5000;
const FEWEST_ROUNDS = 1000;
/** About a second; the specification would allow a thousand times as many. */
const MOST_ROUNDS = 1_000_000;
const LONGEST_SALT = 16;

/** @throws Error with a sentence when it is not a hash of this scheme, or one that costs too much */
export function parseShaCrypt(text: string): PasswordHash {
  const [, id = '', given, salt = '', digest = ''] = FORM.exec(text) ?? [];
  const kind = kinds[id];
  if (kind?.digits !== digest.length) {
    throw new Error(`it is not a whole SHA-crypt hash: $${text[1]}$rounds=N$SALT$DIGEST`);
  }
  const rounds = Math.max(FEWEST_ROUNDS, Number(given ?? DEFAULT_ROUNDS));
  if (rounds > MOST_ROUNDS) throw new Error(`it asks for ${rounds} rounds, more than ${MOST_ROUNDS}`);
  const octets = Buffer.from(salt).subarray(0, LONGEST_SALT);
  return {
    scheme: kind.scheme,
    scram: null,
    *matches(password) {
      const made = yield* shaCrypt(kind, password, octets, rounds);
      return isSame(cryptDigits(made, kind.groups), digest);
    },
  };
}

function* shaCrypt(kind: Kind, password: Buffer, salt: Buffer, rounds: number): Generator<void, Buffer> {
  const digestOf = (...parts: readonly Buffer[]) => hash(kind.algorithm, Buffer.concat(parts), 'buffer');
  const mixed = digestOf(password, salt, password);
  const perBit = lengthBits(password.length).map((bit) => (bit ? mixed : password));
  let digest = digestOf(password, salt, stretched(mixed, password.length), ...perBit);
  const p = stretched(digestOf(...repeated(password, password.length)), password.length);
  const s = stretched(digestOf(...repeated(salt, 16 + (digest[0] ?? 0))), salt.length);
  for (let round = 0; round < rounds; round++) {
    const parts = [round & 1 ? p : digest];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(round & 1 ? digest : p);
    digest = digestOf(...parts);
    if (round % ROUNDS_PER_STEP === 0) yield;
  }
  return digest;
}

/** Bits of a length, the lowest first, up to the highest that is set. */
export function lengthBits(length: number): boolean[] {
  return length === 0 ? [] : Array.from(length.toString(2), (digit) => digit === '1').reverse();
}

/** The digest over and over, cut at `length` octets. */
export function stretched(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

function repeated(part: Buffer, times: number): Buffer[] {
  return Array.from({ length: times }, () => part);
}
