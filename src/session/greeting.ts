// The greeting: what plugins think of the client (hook connect), and the line 220 (RFC 5321 section 3.1). Also
// behind XCLIENT, where it is said to the client that has been named.

import { isDenial } from '../contract/codes.ts';
import type { Session } from './session.ts';

/** Runs the hook connect, and greets or refuses. */
export async function greet(session: Session): Promise<void> {
  const { connection } = session;
  session.log('notice', `Connection from ${connection.remoteInfo} [${connection.remoteIp}]`);
  if (await isWelcome(session)) session.reply({ code: 220, lines: [await banner(session)] });
}

/** Gives false when the client has its answer already. */
export async function isWelcome(session: Session): Promise<boolean> {
  const { connection } = session;
  const verdict = await session.decide('connect');
  if (isDenial(verdict.code)) {
    session.answer('connect', verdict);
    session.end('denied');
    return false;
  }
  if (connection.service.tls && connection.tls === null) {
    // Whoever connects here expects TLS, and would be told the rest in clear.
    session.log('error', 'error, no plugin has begun TLS on a listener that is for TLS only');
    session.end('error');
    return false;
  }
  if (verdict.code !== 'DONE') return true;
  session.answer('connect', verdict);
  return false;
}

/** Text of the greeting. */
export async function banner({ connection, engine }: Session): Promise<string> {
  const protocol = connection.service.lmtp ? 'LMTP' : 'ESMTP';
  const own = await engine.lookup.value('smtpgreeting');
  const text = own ?? `${await engine.lookup.value('me')} ${protocol} qpsmtpd ${engine.world.version} ready`;
  return /\b(?:ESMTP|LMTP)\b/.test(text) ? text : `${text} ${protocol}`;
}
