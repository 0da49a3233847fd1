// VRFY, RFC 5321 section 4.1.1.6. Without a plugin nothing is told about users (section 7.3).

import type { Verb } from '../verb.ts';

export const vrfy: Verb = {
  name: 'vrfy',
  async run(session, argument) {
    const verdict = await session.decide('vrfy', argument);
    session.answer('vrfy', verdict);
    if (verdict.code === 'DENY') await session.resetTransaction();
  },
};
