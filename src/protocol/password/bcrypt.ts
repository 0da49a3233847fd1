// $2a$, $2b$ and $2y$: bcrypt (Provos and Mazières, "A Future-Adaptable Password Scheme", 1999), which is Blowfish with
// a key schedule that is made costly on purpose. `$2b$COST$` with 22 digits of salt and 31 of the digest. $2x$, the
// mark of a faulty old version, is not taken. Only the first 72 octets of a password count, as everywhere.

import type { PasswordHash } from './password-hash.ts';
import { fractionOfPi } from './pi.ts';
import { isSame } from './same.ts';

const DIGITS = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const FORM = /^\$2[aby]\$(\d\d)\$([./0-9A-Za-z]{22})([./0-9A-Za-z]{31})$/;
const LEAST_COST = 4;
/** A few seconds; each step more doubles it. */
const MOST_COST = 16;
const LONGEST_PASSWORD = 72;
const SALT_OCTETS = 16;
const DIGEST_OCTETS = 23;
const PLAINTEXT = 'OrpheanBeholderScryDoubt';
const TIMES_ENCRYPTED = 64;
const SUBKEYS = 18;

const initialTables = once(() => fractionOfPi(SUBKEYS + 4 * 256));

/** @throws Error with a sentence when it is not a hash of this scheme, or one that costs too much */
export function parseBcrypt(text: string): PasswordHash {
  const [, cost = '', salt = '', digest = ''] = FORM.exec(text) ?? [];
  if (salt === '') throw new Error('it is not a whole bcrypt hash: $2b$COST$ and 53 characters');
  const log = Number(cost);
  if (log < LEAST_COST || log > MOST_COST) {
    throw new Error(`it has the cost ${cost}, which is not between ${LEAST_COST} and ${MOST_COST}`);
  }
  const octets = fromDigits(salt, SALT_OCTETS);
  const wanted = fromDigits(digest, DIGEST_OCTETS);
  return {
    scheme: 'BCRYPT',
    scram: null,
    *matches(password) {
      return isSame(yield* bcrypt(password, octets, 2 ** log), wanted);
    },
  };
}

function* bcrypt(password: Buffer, saltOctets: Buffer, rounds: number): Generator<void, Buffer> {
  const key = wordsOf(Buffer.concat([password.subarray(0, LONGEST_PASSWORD), Buffer.of(0)]), SUBKEYS);
  const salt = wordsOf(saltOctets, SUBKEYS);
  const cipher = new Blowfish(initialTables());
  cipher.mix(key, salt);
  for (let round = 0; round < rounds; round++) {
    cipher.mix(key, null);
    cipher.mix(salt, null);
    yield;
  }
  return cipher.encrypt(wordsOf(Buffer.from(PLAINTEXT), PLAINTEXT.length / 4)).subarray(0, DIGEST_OCTETS);
}

class Blowfish {
  readonly #p: Int32Array;
  readonly #s: Int32Array;
  #left = 0;
  #right = 0;

  constructor(tables: Int32Array) {
    this.#p = tables.slice(0, SUBKEYS);
    this.#s = tables.slice(SUBKEYS);
  }

  /** The key schedule: once with the salt laid over what is encrypted, then without. */
  mix(key: Int32Array, salt: Int32Array | null): void {
    const p = this.#p;
    for (let at = 0; at < SUBKEYS; at++) p[at] = (p[at] ?? 0) ^ (key[at] ?? 0);
    this.#left = 0;
    this.#right = 0;
    this.#refill(p, salt, 0);
    this.#refill(this.#s, salt, SUBKEYS);
  }

  encrypt(words: Int32Array): Buffer {
    const out = Buffer.alloc(words.length * 4);
    for (let at = 0; at < words.length; at += 2) {
      this.#left = words[at] ?? 0;
      this.#right = words[at + 1] ?? 0;
      for (let times = 0; times < TIMES_ENCRYPTED; times++) this.#encryptBlock();
      out.writeInt32BE(this.#left, at * 4);
      out.writeInt32BE(this.#right, at * 4 + 4);
    }
    return out;
  }

  #refill(table: Int32Array, salt: Int32Array | null, before: number): void {
    for (let at = 0; at < table.length; at += 2) {
      if (salt !== null) {
        // The salt has four words; `salt` holds them over and over.
        this.#left ^= salt[(before + at) & 3] ?? 0;
        this.#right ^= salt[(before + at + 1) & 3] ?? 0;
      }
      this.#encryptBlock();
      table[at] = this.#left;
      table[at + 1] = this.#right;
    }
  }

  #encryptBlock(): void {
    const p = this.#p;
    const s = this.#s;
    let left = this.#left ^ (p[0] as number);
    let right = this.#right;
    for (let round = 1; round <= 16; round += 2) {
      right ^= feistel(s, left) ^ (p[round] as number);
      left ^= feistel(s, right) ^ (p[round + 1] as number);
    }
    this.#left = right ^ (p[17] as number);
    this.#right = left;
  }
}

function feistel(s: Int32Array, word: number): number {
  const first = (s[word >>> 24] as number) + (s[256 + ((word >>> 16) & 255)] as number);
  return ((first ^ (s[512 + ((word >>> 8) & 255)] as number)) + (s[768 + (word & 255)] as number)) | 0;
}

/** Octets over and over as words, the high octet first. */
function wordsOf(octets: Buffer, count: number): Int32Array {
  const filled = Buffer.alloc(count * 4, octets);
  return Int32Array.from({ length: count }, (_, at) => filled.readInt32BE(at * 4));
}

function fromDigits(digits: string, octets: number): Buffer {
  const base64 = Array.from(digits, (digit) => BASE64_DIGITS[DIGITS.indexOf(digit)]).join('');
  return Buffer.from(base64, 'base64').subarray(0, octets);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
