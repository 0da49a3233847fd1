// SASL mechanisms as conversations without a wire: a generator yields a challenge, is given the response, and
// returns what the client has said of itself. PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5
// (RFC 2195), XOAUTH2 (as Google documents it), OAUTHBEARER (RFC 7628). SCRAM has a file of its own.

import { type BearerMessage, readOauthBearer, readXoauth2 } from './auth-bearer.ts';
import { decodeUtf8, isCredential } from './auth-text.ts';

/** A login, as the client has given it. Texts are UTF-8 and hold no NUL, CR or LF. */
export interface AuthAttempt {
  /** in capitals: PLAIN, LOGIN, CRAM-MD5, XOAUTH2, OAUTHBEARER, SCRAM-SHA-256 or SCRAM-SHA-256-PLUS */
  readonly mechanism: string;
  readonly user: string;
  /** PLAIN and LOGIN */
  readonly password: string | null;
  /** CRAM-MD5: the challenge and the client's digest, 32 hexadecimal digits in lower case */
  readonly challenge: string | null;
  readonly digest: string | null;
  /** XOAUTH2 and OAUTHBEARER: the bearer token */
  readonly token: string | null;
}

/** Why an exchange has led to no attempt. */
export interface Unusable {
  /** `malformed`: not what the mechanism prescribes. `refused`: well said, but nobody can log in with that */
  readonly fault: 'malformed' | 'refused';
  /** for the log; holds no part of what the client has sent */
  readonly why: string;
  /** as far as it is known */
  readonly user: string;
}

/** Yields challenges, is given responses. */
export type Exchange<R> = Generator<Buffer, R, Buffer>;
export type AttemptExchange = Exchange<AuthAttempt | Unusable>;

export const NO_CHALLENGE: Buffer = Buffer.alloc(0);

export function malformed(why: string): Unusable {
  return { fault: 'malformed', why, user: '' };
}

export function refused(why: string, user = ''): Unusable {
  return { fault: 'refused', why, user };
}

export function isUnusable(outcome: object): outcome is Unusable {
  return 'fault' in outcome;
}

const NOTHING_GIVEN = { password: null, challenge: null, digest: null, token: null };

/** @param initial the response that came with the command */
export function* plainExchange(initial: Buffer | null): AttemptExchange {
  const message = decodeUtf8(initial ?? (yield NO_CHALLENGE));
  if (message === null) return refused('not UTF-8');
  const [authzid, user, password, ...more] = message.split('\0');
  if (authzid === undefined || user === undefined || password === undefined || more.length > 0) {
    return malformed('the message has not three parts');
  }
  // Nobody acts for somebody else here, as in qpsmtpd.
  if (authzid !== '' && authzid !== user) return refused('wants to act for another user', user);
  return passwordAttempt('PLAIN', user, password);
}

/** @param initial the user name, which many clients send with the command */
export function* loginExchange(initial: Buffer | null): AttemptExchange {
  const user = decodeUtf8(initial ?? (yield Buffer.from('Username:')));
  const password = decodeUtf8(yield Buffer.from('Password:'));
  if (user === null || password === null) return refused('not UTF-8', user ?? '');
  return passwordAttempt('LOGIN', user, password);
}

function passwordAttempt(mechanism: string, user: string, password: string): AuthAttempt | Unusable {
  const problem = problemWith(user, password, 'password');
  if (problem !== null) return refused(problem, user);
  return { ...NOTHING_GIVEN, mechanism, user, password };
}

/** @param challenge `<RANDOM.TIME@HOST>`, never the same twice */
export function* cramMd5Exchange(challenge: string): AttemptExchange {
  const message = decodeUtf8(yield Buffer.from(challenge));
  if (message === null) return refused('not UTF-8');
  const [, user, digest] = /^(.*) ([0-9a-f]{32})$/is.exec(message) ?? [];
  if (user === undefined || digest === undefined) return malformed('not a name and a digest');
  if (!isCredential(user)) return refused(problemWith(user, digest, 'digest') ?? '', user);
  return { ...NOTHING_GIVEN, mechanism: 'CRAM-MD5', user, challenge, digest: digest.toLowerCase() };
}

export function xoauth2Exchange(initial: Buffer | null): AttemptExchange {
  return bearerExchange('XOAUTH2', initial, readXoauth2);
}

export function oauthBearerExchange(initial: Buffer | null): AttemptExchange {
  return bearerExchange('OAUTHBEARER', initial, readOauthBearer);
}

function* bearerExchange(
  mechanism: string,
  initial: Buffer | null,
  read: (message: string) => BearerMessage | null,
): AttemptExchange {
  const message = decodeUtf8(initial ?? (yield NO_CHALLENGE));
  if (message === null) return refused('not UTF-8');
  const given = read(message);
  if (given === null) return malformed('not a name and a bearer token');
  const { user, token } = given;
  const problem = problemWith(user, token, 'token');
  if (problem !== null) return refused(problem, user);
  return { ...NOTHING_GIVEN, mechanism, user, token };
}

function problemWith(user: string, secret: string, what: string): string | null {
  if (user === '') return 'the name is empty';
  if (secret === '') return `the ${what} is empty`;
  return isCredential(user) && isCredential(secret) ? null : 'NUL or a line end in it';
}
