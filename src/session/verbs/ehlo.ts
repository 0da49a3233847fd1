// EHLO, RFC 5321 section 4.1.1.1: the extensions of the core, then those that plugins offer.

import { takeHello, welcome } from '../hello.ts';
import type { Verb } from '../verb.ts';

export const ehlo: Verb = {
  name: 'ehlo',
  async run(session, argument) {
    if (!(await takeHello(session, 'ehlo', argument))) return;
    const databytes = await session.engine.lookup.value('databytes');
    const size = databytes > 0 ? `SIZE ${databytes}` : 'SIZE';
    const lines = [await welcome(session), 'PIPELINING', '8BITMIME', size, 'ENHANCEDSTATUSCODES'];
    session.reply({ code: 250, lines: [...lines, ...session.connection.capabilities] });
  },
};
