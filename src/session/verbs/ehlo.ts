// EHLO, RFC 5321 section 4.1.1.1: the extensions of the core, then those that plugins offer.

import { extensionLines } from '../extensions.ts';
import { takeHello, welcome } from '../hello.ts';
import type { Verb } from '../verb.ts';

export const ehlo: Verb = {
  name: 'ehlo',
  async run(session, argument) {
    if (!(await takeHello(session, 'ehlo', argument))) return;
    session.reply({ code: 250, lines: [await welcome(session), ...(await extensionLines(session))] });
  },
};
