// DATA, RFC 5321 section 4.1.1.4. The hook comes before the 503s, as in qpsmtpd: a plugin may want to see what
// a client does that skips MAIL or RCPT.

import { acceptMessage } from '../accept.ts';
import { isBinary } from '../chunked-message.ts';
import { receiveMessage } from '../receive.ts';
import type { Session } from '../session.ts';
import type { Verb } from '../verb.ts';

export const data: Verb = {
  name: 'data',
  async run(session, argument) {
    if (argument !== '') {
      return session.reply({ code: 501, status: '5.5.4', lines: ['DATA takes no argument'] });
    }
    const verdict = await session.decide('data');
    if (verdict.code === 'DONE' || verdict.code.startsWith('DENY')) {
      session.answer('data', verdict);
      if (verdict.code === 'DENY' || verdict.code === 'DENYSOFT') await session.resetTransaction();
      return;
    }
    const { sender, recipients } = session.transaction;
    if (sender === null) return session.reply({ code: 503, status: '5.5.1', lines: ['say MAIL first'] });
    if (recipients.length === 0) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say RCPT first'] });
    }
    if (isBinary(session.transaction)) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['a binary message has to come by BDAT'] });
    }
    session.answer('data', { code: 'OK', text: [] });
    try {
      if (await receiveWhole(session)) await acceptMessage(session);
    } finally {
      // However it went, the message was the end of its transaction. With the end of the session it ends behind
      // the hook disconnect, which may still want to look at it.
      if (session.ended === null) await session.resetTransaction();
    }
  },
};

async function receiveWhole(session: Session): Promise<boolean> {
  try {
    return await receiveMessage(session);
  } catch (error) {
    // Nobody knows where the message ends: what is left of it must never be read as commands.
    session.end('error');
    throw error;
  }
}
