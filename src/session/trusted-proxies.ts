// Who may say that the client is another one: config/xclient_networks and config/xforward_networks. It is the rights
// of the one who really speaks that count, not those of a client that was named by an earlier XCLIENT.

import type { Session } from './session.ts';

export const xclientAttributes = [
  'NAME',
  'ADDR',
  'PORT',
  'PROTO',
  'HELO',
  'LOGIN',
  'DESTADDR',
  'DESTPORT',
] as const;
export const xforwardAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'] as const;

export function mayXclient({ engine, connection }: Session): boolean {
  return engine.store.value('xclient_networks').contains(connection.speakerIp);
}

export function mayXforward({ engine, connection }: Session): boolean {
  return engine.store.value('xforward_networks').contains(connection.speakerIp);
}

/** Shows a proxy the commands that are for it alone in the reply to EHLO. */
export function offerToProxy(session: Session): void {
  offer(session, `XCLIENT ${xclientAttributes.join(' ')}`, mayXclient(session));
  offer(session, `XFORWARD ${xforwardAttributes.join(' ')}`, mayXforward(session));
}

// The lists may have changed since the last EHLO.
function offer({ connection }: Session, line: string, is: boolean): void {
  if (is) connection.offer(line);
  else connection.withdraw(line);
}
