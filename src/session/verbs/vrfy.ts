// VRFY, RFC 5321 section 4.1.1.6, with the parameter of RFC 6531 section 3.7.4.2. Without a plugin nothing is told
// about users (RFC 5321 section 7.3).

import { decodeUtf8, isAscii } from '../../protocol/esmtp-utf8.ts';
import { beyondAscii, notUtf8 } from '../path-argument.ts';
import type { Verb } from '../verb.ts';

const WITH_UTF8 = /^(.*\S) +SMTPUTF8$/is;

export const vrfy: Verb = {
  name: 'vrfy',
  async run(session, octets) {
    const argument = decodeUtf8(octets);
    if (argument === null) return session.reply(notUtf8);
    const offersUtf8 = session.engine.extensions().has('SMTPUTF8');
    const inUtf8 = offersUtf8 ? WITH_UTF8.exec(argument)?.[1] : undefined;
    if (inUtf8 === undefined && !isAscii(argument)) return session.reply(beyondAscii);
    const verdict = await session.decide('vrfy', inUtf8 ?? argument);
    session.answer('vrfy', verdict);
    if (verdict.code === 'DENY') await session.resetTransaction();
  },
};
