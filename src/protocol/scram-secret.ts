// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677). It proves that a client knows
// the password, and whoever steals it cannot log in with it.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { saslPrep } from './auth-saslprep.ts';

/** What a server keeps of a password for SCRAM-SHA-256. */
export interface ScramSecret {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** RFC 7677 section 4 asks for at least so many. */
export const SCRAM_ITERATIONS = 4096;

const OCTETS = 32;

/**
 * The secret of a password. Costs some milliseconds: that is what the iterations are for.
 *
 * @throws Error with a sentence when SASLprep (RFC 4013) does not allow the password
 */
export function scramSecretOf(
  password: string,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): ScramSecret {
  const prepared = saslPrep(password);
  if (prepared === null || prepared === '') {
    throw new Error('the password is empty or holds characters that SASLprep (RFC 4013) prohibits');
  }
  return scramSecretOfSalted(pbkdf2Sync(prepared, salt, iterations, OCTETS, 'sha256'), { salt, iterations });
}

/** The same, from the salted password (PBKDF2-HMAC-SHA-256, 32 octets). */
export function scramSecretOfSalted(
  salted: Buffer,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): ScramSecret {
  const clientKey = hmac(salted, 'Client Key');
  return { salt, iterations, storedKey: sha256(clientKey), serverKey: hmac(salted, 'Server Key') };
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256(octets: Buffer): Buffer {
  return createHash('sha256').update(octets).digest();
}
