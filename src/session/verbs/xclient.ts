// XCLIENT (XCLIENT_README of Postfix): a proxy says who its client is. The session begins anew as that client's:
// nothing stays of the proxy's own rights, and the greeting comes again.

import type { Hello } from '../../contract/connection.ts';
import { type ProxyAttributes, parseProxyAttributes } from '../../protocol/proxy-attributes.ts';
import type { Client, Peer } from '../client.ts';
import { banner, isWelcome } from '../greeting.ts';
import { takeHello } from '../hello.ts';
import type { Session } from '../session.ts';
import { mayXclient, xclientAttributes } from '../trusted-proxies.ts';
import type { Verb } from '../verb.ts';

// Parsed as an address by whoever asks, and in nobody's list.
const NO_ADDRESS = '0.0.0.0';
const NO_NAME = 'Unknown';

export const xclient: Verb = {
  name: 'xclient',
  isOffered: mayXclient,
  async run(session, argument) {
    if (session.transaction.sender !== null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say XCLIENT before MAIL'] });
    }
    const given = parseProxyAttributes(argument, xclientAttributes);
    if ('problem' in given) return session.reply({ code: 501, status: '5.5.4', lines: [given.problem] });
    await session.changeClient(named(session.connection, given));
    await beginAnew(session, given);
  },
};

function named(proxy: Client, given: ProxyAttributes): Peer {
  const isElsewhere = given.has('ADDR');
  const name = given.get('NAME') ?? (given.has('NAME') || isElsewhere ? NO_NAME : proxy.remoteHost);
  const port = given.get('PORT') ?? (given.has('PORT') || isElsewhere ? 0 : proxy.remotePort);
  return {
    remoteIp: given.get('ADDR') ?? (isElsewhere ? NO_ADDRESS : proxy.remoteIp),
    remotePort: Number(port),
    remoteHost: name,
    remoteInfo: name,
    localIp: given.get('DESTADDR') ?? proxy.localIp,
    localPort: Number(given.get('DESTPORT') ?? proxy.localPort),
    service: proxy.service,
    proxy: { by: 'XCLIENT', ip: proxy.proxy?.ip ?? proxy.remoteIp },
    speakerIp: proxy.speakerIp,
  };
}

async function beginAnew(session: Session, given: ProxyAttributes): Promise<void> {
  const { connection } = session;
  const said = `${connection.remoteInfo} [${connection.remoteIp}]`;
  session.log('notice', `XCLIENT: the client is ${said}, says ${connection.proxy?.ip}`);
  const user = given.get('LOGIN') ?? null;
  if (user !== null) {
    connection.authentication = { mechanism: 'XCLIENT', user, passed: true };
    connection.relayClient = true;
  }
  if (!(await isWelcome(session))) return;
  const host = given.get('HELO') ?? null;
  if (host !== null && !(await takeHello(session, helloVerb(session, given), host))) return;
  session.reply({ code: 220, lines: [await banner(session)] });
}

function helloVerb({ connection }: Session, given: ProxyAttributes): Hello['verb'] {
  if (connection.service.lmtp) return 'lhlo';
  return given.get('PROTO') === 'SMTP' ? 'helo' : 'ehlo';
}
