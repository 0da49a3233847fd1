// A SCRAM-SHA-256 secret as a stored password. Two ways to write one are known: that of PostgreSQL,
// `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`, and that of Dovecot, `{SCRAM-SHA-256}` and
// `ITERATIONS,SALT,STOREDKEY,SERVERKEY`. All but the number is Base64.

import { pbkdf2 } from 'node:crypto';
import { saslPrep } from '../auth-saslprep.ts';
import { scramSecretOfSalted } from '../scram-secret.ts';
import type { PasswordHash } from './password-hash.ts';
import { isSame } from './same.ts';

const BASE64 = '([A-Za-z0-9+/]+={0,2})';
const POSTGRESQL = new RegExp(`^SCRAM-SHA-256\\$(\\d{1,9}):${BASE64}\\$${BASE64}:${BASE64}$`);
const DOVECOT = new RegExp(`^(\\d{1,9}),${BASE64},${BASE64},${BASE64}$`);
const MOST_ITERATIONS = 1_000_000;
const KEY_OCTETS = 32;

/** @throws Error with a sentence when it is neither form of a secret, or costs too much */
export function parseScramHash(text: string): PasswordHash {
  const form = POSTGRESQL.exec(text) ?? DOVECOT.exec(text);
  if (form === null) {
    throw new Error('it is not a whole SCRAM secret: SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY');
  }
  const [salt, storedKey, serverKey] = form.slice(2).map((part) => Buffer.from(part, 'base64'));
  const iterations = Number(form[1]);
  if (salt === undefined || storedKey?.length !== KEY_OCTETS || serverKey?.length !== KEY_OCTETS) {
    throw new Error(`a key of its SCRAM secret is not of ${KEY_OCTETS} octets`);
  }
  if (iterations < 1 || iterations > MOST_ITERATIONS) {
    throw new Error(`it asks for ${iterations} iterations, not for 1 to ${MOST_ITERATIONS}`);
  }
  const scram = { salt, iterations, storedKey, serverKey };
  return {
    scheme: 'SCRAM-SHA-256',
    scram,
    async matches(password) {
      const prepared = saslPrep(password.toString('utf8'));
      if (prepared === null || prepared === '') return false;
      const salted = await saltedPassword(prepared, salt, iterations);
      return isSame(scramSecretOfSalted(salted, { salt, iterations }).storedKey, storedKey);
    },
  };
}

function saltedPassword(password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, KEY_OCTETS, 'sha256', (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
