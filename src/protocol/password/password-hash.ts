// A password as a server keeps it: one value of some scheme that can say whether a password belongs to it. Each scheme
// has its file here; parse-hash.ts knows them all.

import type { ScramSecret } from '../scram-secret.ts';

/**
 * How the answer comes: at once; from another thread; or from this one, in steps of well under a millisecond between
 * which others may have their turn.
 */
export type Matching = boolean | Promise<boolean> | Generator<void, boolean>;

export interface PasswordHash {
  /** name of the scheme for log lines: `SHA512-CRYPT` */
  readonly scheme: string;
  /** where SCRAM can do with what is stored */
  readonly scram: ScramSecret | null;
  /** @param password UTF-8, not empty, without NUL, at most LONGEST_PASSWORD octets */
  matches(password: Buffer): Matching;
}

/** Octets; the limit of crypt(3) in libxcrypt. The cost of some schemes grows with the square of the length. */
export const LONGEST_PASSWORD = 512;

/** Steps of the schemes that run in this thread take so many rounds. */
export const ROUNDS_PER_STEP = 100;
