// What EHLO says of AUTH (RFC 4954 section 3). Until it has, AUTH is an unknown command, as in qpsmtpd.

import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import { mechanismsFor } from './auth-mechanisms.ts';
import type { Session } from './session.ts';

/** Notes what the client may use from now on, and gives the line of the EHLO reply; null when there is none. */
export function offerLogin(session: Session): Awaitable<string | null> {
  session.mechanisms = mechanismsFor(session.engine.dispatcher, session.connection.tls);
  if (session.mechanisms.length === 0) return null;
  const line = `AUTH ${session.mechanisms.join(' ')}`;
  return whenReady(lacksTls(session), (lacks) => (lacks ? null : line));
}

/** Whether config/tls_before_auth keeps the client from logging in. */
export function lacksTls({ connection, engine }: Session): Awaitable<boolean> {
  return connection.tls === null ? engine.lookup.value('tls_before_auth') : false;
}
