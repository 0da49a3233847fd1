// HELO, RFC 5321 section 4.1.1.1.

import { takeHello, welcome } from '../hello.ts';
import type { Verb } from '../verb.ts';

export const helo: Verb = {
  name: 'helo',
  async run(session, argument) {
    if (!(await takeHello(session, 'helo', argument))) return;
    session.reply({ code: 250, lines: [await welcome(session)] });
  },
};
