// $argon2id$, $argon2i$, $argon2d$: Argon2 (RFC 9106) in the form of its reference implementation and of the password
// hashing competition: `$argon2id$v=19$m=65536,t=3,p=4$SALT$DIGEST`. Node counts it out in another thread.

import { argon2 } from 'node:crypto';
import type { PasswordHash } from './password-hash.ts';
import { isSame } from './same.ts';

const FORM =
  /^\$(argon2id|argon2i|argon2d)\$v=(\d{1,3})\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const VERSION = 19;
const MIB = 1024;
/** KiB; what one login may take of the memory. */
const MOST_MEMORY = 256 * MIB;
/** KiB times passes: about three seconds. */
const MOST_WORK = 2048 * MIB;
const MOST_LANES = 16;
const SHORTEST_SALT = 8;
const SHORTEST_DIGEST = 12;
const LONGEST_DIGEST = 128;

/** @throws Error with a sentence when it is not a hash of this scheme, or one that costs too much */
export function parseArgon2(text: string): PasswordHash {
  const [, algorithm, version, memory, passes, lanes, salt = '', digest = ''] = FORM.exec(text) ?? [];
  if (!isAlgorithm(algorithm)) {
    throw new Error('it is not a whole Argon2 hash: $argon2id$v=19$m=N,t=N,p=N$SALT$DIGEST');
  }
  if (Number(version) !== VERSION) throw new Error(`it is of version ${version} of Argon2, not ${VERSION}`);
  const nonce = Buffer.from(salt, 'base64');
  const wanted = Buffer.from(digest, 'base64');
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(lanes) };
  checkCost(cost);
  if (nonce.length < SHORTEST_SALT) throw new Error(`its salt is shorter than ${SHORTEST_SALT} octets`);
  if (wanted.length < SHORTEST_DIGEST || wanted.length > LONGEST_DIGEST) {
    throw new Error(`its digest is not of ${SHORTEST_DIGEST} to ${LONGEST_DIGEST} octets`);
  }
  return {
    scheme: algorithm.toUpperCase(),
    scram: null,
    matches: (message) =>
      new Promise((resolve, reject) => {
        argon2(algorithm, { message, nonce, tagLength: wanted.length, ...cost }, (error, made) =>
          error === null ? resolve(isSame(made, wanted)) : reject(error),
        );
      }),
  };
}

function isAlgorithm(name: string | undefined): name is 'argon2d' | 'argon2i' | 'argon2id' {
  return name !== undefined;
}

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

function checkCost({ memory, passes, parallelism }: Cost): void {
  if (passes < 1 || parallelism < 1 || parallelism > MOST_LANES) {
    throw new Error(`it asks for ${passes} passes in ${parallelism} lanes`);
  }
  if (memory < 8 * parallelism || memory > MOST_MEMORY) {
    throw new Error(`it asks for ${memory} KiB, which is not between ${8 * parallelism} and ${MOST_MEMORY}`);
  }
  if (memory * passes > MOST_WORK) {
    throw new Error(`it asks for ${passes} passes over ${memory} KiB, more than ${MOST_WORK} KiB in all`);
  }
}
