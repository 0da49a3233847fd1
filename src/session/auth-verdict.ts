// What becomes of a client whose login has been judged, and what it hears (RFC 4954 section 6). A login that has
// failed is always answered in the same words: nobody learns whether it was the name or the password.

import type { Verdict } from '../contract/verdict.ts';
import type { Reply } from '../protocol/reply.ts';
import { disconnects } from './answers.ts';
import { isLockedOut, payForFailure } from './auth-limits.ts';
import type { Login } from './auth-login.ts';
import type { Session } from './session.ts';

const FAILED: Reply = { code: 535, status: '5.7.8', lines: ['login failed'] };
const LONGEST_NAME = 128;
const LONGEST_REASON = 256;

export async function concludeLogin(session: Session, login: Login, verdict: Verdict): Promise<void> {
  // Others may have failed from there while this one was under way; that it was right must not show.
  if (isLockedOut(session)) return turnAway(session);
  if (verdict.code === 'OK') return admit(session, login);
  if (verdict.code.startsWith('DENYSOFT')) return putOff(session, login, verdict);
  if (verdict.code === 'DONE' && verdict.reply !== undefined) return session.reply(verdict.reply);
  return refuse(session, login, verdict);
}

/** Too many logins have failed from this address. */
export function turnAway(session: Session): void {
  session.log('notice', `fail, no logins from ${session.connection.remoteIp} for now`);
  session.reply({ code: 421, status: '4.7.0', lines: ['too many failed logins, try again later'] });
  session.end('denied');
}

function admit(session: Session, login: Login): void {
  const { connection } = session;
  session.relayedBeforeLogin = connection.relayClient;
  connection.authentication = { ...factsOf(login), passed: true };
  connection.relayClient = true;
  if (connection.notes.has('naughty')) {
    connection.notes.delete('naughty');
    connection.notes.delete('naughty_reject_type');
    session.log('info', 'pass, the login clears the mark naughty');
  }
  session.log('info', `pass, ${shown(session, login)}`);
  session.reply({ code: 235, status: '2.7.0', lines: ['you are logged in'] });
}

/** Nobody knows whether the login was right, so it is no failure of the client's. */
function putOff(session: Session, login: Login, verdict: Verdict): void {
  const closes = disconnects(verdict.code);
  session.log('notice', `fail, ${shown(session, login)}${reasonOf(verdict)}`);
  const words = wordsOf(verdict, login) ?? ['login is not possible now, try again later'];
  session.reply({ code: closes ? 421 : 454, status: verdict.status ?? '4.7.0', lines: words });
  if (closes) session.end('denied');
}

async function refuse(session: Session, login: Login, verdict: Verdict): Promise<void> {
  session.connection.authentication = { ...factsOf(login), passed: false };
  session.failedLogins++;
  session.log('notice', `fail, ${shown(session, login)}${reasonOf(verdict)}`);
  await payForFailure(session);
  if (disconnects(verdict.code)) {
    session.reply({ ...FAILED, lines: wordsOf(verdict, login) ?? FAILED.lines });
    return session.end('denied');
  }
  session.reply(FAILED);
  if (session.failedLogins < session.limits.loginFailures) return;
  session.log('warn', 'fail, too many failed logins');
  session.reply({ code: 421, status: '4.7.0', lines: ['too many failed logins'] });
  session.end('denied');
}

// In lower case, as qpsmtpd has it in Authentication-Results.
function factsOf({ mechanism, user }: Login) {
  return { mechanism: mechanism.toLowerCase(), user };
}

/** The words of a plugin, unless they repeat who the client says it is. */
function wordsOf({ text }: Verdict, { user }: Login): readonly string[] | null {
  const repeats = user !== '' && text.some((line) => line.includes(user));
  return text.length === 0 || repeats ? null : text;
}

function reasonOf({ text }: Verdict): string {
  return text.length === 0 ? '' : `: ${text.join(' ').slice(0, LONGEST_REASON)}`;
}

function shown({ connection }: Session, { mechanism, user }: Login): string {
  return `login by ${mechanism} as ${JSON.stringify(user.slice(0, LONGEST_NAME))} from ${connection.remoteIp}`;
}
