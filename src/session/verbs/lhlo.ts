// LHLO, RFC 2033 section 4.1: EHLO of LMTP. There is none in SMTP.

import { extensionLines } from '../extensions.ts';
import { takeHello, welcome } from '../hello.ts';
import type { Verb } from '../verb.ts';

export const lhlo: Verb = {
  name: 'lhlo',
  isOffered: ({ connection }) => connection.service.lmtp,
  async run(session, argument) {
    if (!(await takeHello(session, 'lhlo', argument))) return;
    session.reply({ code: 250, lines: [await welcome(session), ...(await extensionLines(session))] });
  },
};
