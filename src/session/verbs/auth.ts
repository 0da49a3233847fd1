// AUTH, RFC 4954. As in qpsmtpd it is an unknown command until EHLO has offered it.

import type { ParsedAuth } from '../../contract/hooks.ts';
import { deny } from '../../contract/verdict.ts';
import { isUnusable } from '../../protocol/auth-exchange.ts';
import type { Reply } from '../../protocol/reply.ts';
import { readBase64 } from '../auth-dialog.ts';
import { isLockedOut } from '../auth-limits.ts';
import { judgeLogin } from '../auth-login.ts';
import type { Mechanism } from '../auth-mechanisms.ts';
import { lacksTls } from '../auth-offer.ts';
import { concludeLogin, turnAway } from '../auth-verdict.ts';
import type { Session } from '../session.ts';
import type { Verb } from '../verb.ts';

const SYNTAX = 'Syntax: AUTH MECHANISM [initial-response]';
// RFC 4422 section 3.1
const ARGUMENT = /^([A-Za-z0-9_-]{1,20})(?: +(\S+))?$/;

export const auth: Verb = {
  name: 'auth',
  isOffered: ({ connection, mechanisms }) => mechanisms.length > 0 && connection.hello?.verb !== 'helo',
  async run(session, argument) {
    const parsed = await readArgument(session, argument);
    if (parsed === null) return;
    const mechanism = await mechanismFor(session, parsed.mechanism.toUpperCase());
    if (mechanism === null) return;
    if (isLockedOut(session)) return turnAway(session);
    if (mechanism === 'CRAM-MD5' && parsed.initialResponse !== null) {
      // RFC 4954 section 4: in this mechanism it is the server that begins.
      const lines = ['CRAM-MD5 has no initial response'];
      return session.reply({ code: 501, status: '5.7.0', lines });
    }
    const initial = readInitial(session, parsed.initialResponse);
    if (initial === 'malformed') return;
    await logIn(session, mechanism, initial);
  },
};

async function readArgument(session: Session, argument: string): Promise<ParsedAuth | null> {
  const given = await session.ask('auth_parse', argument);
  if (given.value !== undefined) return given.value;
  if (given.denial !== undefined) {
    session.answerSyntax(given.denial, SYNTAX);
    return null;
  }
  const [, mechanism, initialResponse = null] = ARGUMENT.exec(argument) ?? [];
  if (mechanism !== undefined) return { mechanism, initialResponse };
  session.reply({ code: 501, status: '5.5.4', lines: [SYNTAX] });
  return null;
}

async function mechanismFor(session: Session, name: string): Promise<Mechanism | null> {
  const mechanism = session.mechanisms.find((known) => known === name);
  const refusal = await refuseNow(session);
  if (refusal === null && mechanism !== undefined) return mechanism;
  session.reply(refusal ?? { code: 504, status: '5.5.4', lines: ['mechanism is not offered here'] });
  return null;
}

/** Why this is not the time for a login, as a reply. */
async function refuseNow(session: Session): Promise<Reply | null> {
  const { connection, transaction } = session;
  if (connection.authentication?.passed) {
    return { code: 503, status: '5.5.1', lines: ['you are logged in already'] };
  }
  if (transaction.sender !== null) {
    return { code: 503, status: '5.5.1', lines: ['AUTH has no place within a mail transaction'] };
  }
  return (await lacksTls(session))
    ? { code: 538, status: '5.7.11', lines: ['logins need TLS, say STARTTLS first'] }
    : null;
}

function readInitial(session: Session, response: string | null): Buffer | null | 'malformed' {
  if (response === null) return null;
  // An empty response (RFC 4954 section 4): with nothing behind the mechanism there would be none.
  return response === '=' ? Buffer.alloc(0) : (readBase64(session, response) ?? 'malformed');
}

async function logIn(session: Session, mechanism: Mechanism, initial: Buffer | null): Promise<void> {
  const judged = await judgeLogin(session, mechanism, initial);
  if (judged === null) return;
  if (!isUnusable(judged)) return concludeLogin(session, { mechanism, user: judged.user }, judged.verdict);
  const { fault, why, user } = judged;
  if (fault === 'refused') return concludeLogin(session, { mechanism, user }, deny(why));
  session.log('info', `fail, ${mechanism}: ${why}`);
  session.reply({ code: 501, status: '5.5.2', lines: [`that is not what ${mechanism} asks for`] });
}
