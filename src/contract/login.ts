// Checks a login against what a backend knows of the user's password (what Qpsmtpd::Auth::validate_password was): in
// constant time, with the hashes of today, and without keeping other clients waiting while a costly one is counted out.

import { createHmac } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { LONGEST_PASSWORD, type Matching, type PasswordHash } from '../protocol/password/password-hash.ts';
import { isSame } from '../protocol/password/same.ts';
import type { StoredPassword } from '../protocol/password/stored-password.ts';
import type { Awaitable } from './awaitable.ts';
import type { AuthAttempt } from './hooks.ts';

/** `cannot tell`: the mechanism needs the password in clear, and only a hash is stored. */
export type LoginCheck = 'match' | 'mismatch' | 'cannot tell';

export type CheckLogin = (
  attempt: AuthAttempt,
  stored: StoredPassword,
  signal?: AbortSignal,
) => Awaitable<LoginCheck>;

/** Milliseconds for which a hash may keep the event loop. */
const SLICE = 5;

/**
 * Makes a function that checks PLAIN, LOGIN and CRAM-MD5 logins. Make one in `setup`; what it is given to check, it
 * does one at a time, so that a crowd of logins takes a small part of the process only.
 *
 *     const check = loginChecker();
 *     …
 *     const result = await check(attempt, { clear: row.clear, hash: parsePasswordHash(row.crypt) }, at.signal);
 *
 * With a password in clear the answer comes at once. A mismatch takes as long as a match. Give `at.signal`: a check
 * that nobody waits for any more is not begun, or ends early with the signal's reason thrown. Passwords of more than
 * 512 octets never match.
 */
export function loginChecker(): CheckLogin {
  const inTurn = turns();
  return (attempt, { clear = null, hash = null }, signal) => {
    if (attempt.digest !== null) {
      return clear === null ? 'cannot tell' : verdictOn(isRightDigest(attempt, attempt.digest, clear));
    }
    if (attempt.password === null) return 'cannot tell';
    const password = Buffer.from(attempt.password);
    if (password.length === 0 || password.length > LONGEST_PASSWORD) return 'mismatch';
    const isClear = clear !== null && isSame(password, clear);
    if (isClear || hash === null) return verdictOn(isClear);
    return inTurn(() => matchInSlices(hash, password, signal)).then(verdictOn);
  };
}

function verdictOn(isMatch: boolean): LoginCheck {
  return isMatch ? 'match' : 'mismatch';
}

// RFC 2195: the client proves with HMAC-MD5 that it knows the password. Some clients write the digest in capitals.
function isRightDigest({ challenge }: AuthAttempt, digest: string, clear: string): boolean {
  const right = createHmac('md5', clear)
    .update(challenge ?? '')
    .digest('hex');
  return isSame(digest.toLowerCase(), right) && challenge !== null;
}

/** Runs what it is given one after the other. */
function turns() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(run: () => Promise<T>): Promise<T> => {
    const mine = last.then(run);
    last = mine.catch(() => {});
    return mine;
  };
}

async function matchInSlices(hash: PasswordHash, password: Buffer, signal?: AbortSignal): Promise<boolean> {
  signal?.throwIfAborted();
  const matching: Matching = hash.matches(password);
  if (typeof matching === 'boolean' || matching instanceof Promise) return matching;
  for (;;) {
    const end = performance.now() + SLICE;
    do {
      const step = matching.next();
      if (step.done) return step.value;
    } while (performance.now() < end);
    await setImmediate();
    signal?.throwIfAborted();
  }
}
