// One login from its first response to the verdict of the plugins: the hook of the mechanism first, then the hook
// `auth`, which is for any (as in qpsmtpd).

import { randomBytes } from 'node:crypto';
import type { ChannelBinding } from '../contract/tls.ts';
import { declined, deny, ok, type Verdict } from '../contract/verdict.ts';
import { bearerFailure } from '../protocol/auth-bearer.ts';
import {
  type AttemptExchange,
  type AuthAttempt,
  cramMd5Exchange,
  isUnusable,
  loginExchange,
  oauthBearerExchange,
  plainExchange,
  type Unusable,
  xoauth2Exchange,
} from '../protocol/auth-exchange.ts';
import { type ScramFirst, type ScramTerms, scramFirst, scramProof } from '../protocol/scram.ts';
import type { ScramSecret } from '../protocol/scram-secret.ts';
import { carry, sayLast } from './auth-dialog.ts';
import {
  type AttemptMechanism,
  attemptHooks,
  isBearer,
  isScram,
  type Mechanism,
  type ScramMechanism,
} from './auth-mechanisms.ts';
import type { Session } from './session.ts';

export interface Login {
  readonly mechanism: Mechanism;
  readonly user: string;
}

/** What has become of a login. */
export interface Judged {
  readonly user: string;
  readonly verdict: Verdict;
}

/**
 * Goes through the exchange and asks the plugins. Null when the exchange was broken off: the client then has its
 * answer, or is gone.
 */
export function judgeLogin(
  session: Session,
  mechanism: Mechanism,
  initial: Buffer | null,
): Promise<Judged | Unusable | null> {
  return isScram(mechanism)
    ? judgeScram(session, mechanism, initial)
    : judgeAttempt(session, mechanism, initial);
}

async function judgeAttempt(
  session: Session,
  mechanism: AttemptMechanism,
  initial: Buffer | null,
): Promise<Judged | Unusable | null> {
  const outcome = await carry(session, await exchangeFor(session, mechanism, initial));
  if (outcome === null || isUnusable(outcome)) return outcome;
  const verdict = await askPlugins(session, mechanism, outcome);
  if (isBearer(mechanism) && (verdict.code === 'DENY' || verdict.code === 'DECLINED')) {
    // The reasons that a client can read come before the reply that ends the exchange (RFC 7628 section 3.2.3). It
    // has failed also where the client has heard enough and leaves.
    await sayLast(session, bearerFailure(mechanism));
  }
  return { user: outcome.user, verdict };
}

async function exchangeFor(
  session: Session,
  mechanism: AttemptMechanism,
  initial: Buffer | null,
): Promise<AttemptExchange> {
  switch (mechanism) {
    case 'PLAIN':
      return plainExchange(initial);
    case 'LOGIN':
      return loginExchange(initial);
    case 'CRAM-MD5':
      return cramMd5Exchange(await newChallenge(session));
    case 'XOAUTH2':
      return xoauth2Exchange(initial);
    case 'OAUTHBEARER':
      return oauthBearerExchange(initial);
  }
}

async function newChallenge({ engine }: Session): Promise<string> {
  const seconds = Math.floor(engine.world.clock.now().getTime() / 1000);
  return `<${randomBytes(12).toString('hex')}.${seconds}@${await engine.lookup.value('me')}>`;
}

async function askPlugins(
  session: Session,
  mechanism: AttemptMechanism,
  attempt: AuthAttempt,
): Promise<Verdict> {
  const verdict = await session.decide(attemptHooks[mechanism], attempt);
  return verdict.code === 'DECLINED' ? session.decide('auth', attempt) : verdict;
}

async function judgeScram(
  session: Session,
  mechanism: ScramMechanism,
  initial: Buffer | null,
): Promise<Judged | Unusable | null> {
  const first = await carry(session, scramFirst(initial, termsOf(session, mechanism)));
  if (first === null || isUnusable(first)) return first;
  const { user } = first;
  const given = await session.ask('auth-scram-sha-256', { mechanism, user });
  // What says nothing of the user may be said at once; that there is no such user is said as late as that the
  // password is wrong.
  if (given.denial !== undefined && given.denial.code !== 'DENY') return { user, verdict: given.denial };
  const secret = given.value ?? null;
  const proven = await isProven(session, first, secret ?? session.means.logins.madeUpSecret(user));
  if (proven === null || typeof proven === 'object') return proven;
  if (secret !== null) return { user, verdict: proven ? ok() : deny() };
  return { user, verdict: given.denial ?? (await askWithoutProof(session, mechanism, user)) };
}

async function isProven(
  session: Session,
  first: ScramFirst,
  secret: ScramSecret,
): Promise<boolean | Unusable | null> {
  if (secret.storedKey.length !== 32 || secret.serverKey.length !== 32) {
    throw new Error('a plugin has given a SCRAM secret whose keys are not those of SHA-256');
  }
  const nonce = randomBytes(18).toString('base64');
  const outcome = await carry(session, scramProof(first, secret, nonce));
  return outcome === null || isUnusable(outcome) ? outcome : outcome.proven;
}

/** A handler of `auth` may refuse in its own way; its OK counts for nothing where the client has proven nothing. */
async function askWithoutProof(session: Session, mechanism: ScramMechanism, user: string): Promise<Verdict> {
  const nothing = { password: null, challenge: null, digest: null, token: null };
  const verdict = await session.decide('auth', { ...nothing, mechanism, user });
  return verdict.code === 'OK' || verdict.code === 'DONE' ? declined : verdict;
}

function termsOf({ connection, mechanisms }: Session, mechanism: ScramMechanism): ScramTerms {
  const { tls } = connection;
  return {
    plus: mechanism === 'SCRAM-SHA-256-PLUS',
    plusOffered: mechanisms.includes('SCRAM-SHA-256-PLUS'),
    binding: (kind) => (tls !== null && isChannelBinding(kind) ? tls.channelBinding(kind) : null),
  };
}

function isChannelBinding(kind: string): kind is ChannelBinding {
  return kind === 'tls-exporter' || kind === 'tls-server-end-point' || kind === 'tls-unique';
}
