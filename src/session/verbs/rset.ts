// RSET, RFC 5321 section 4.1.1.5.

import type { Verb } from '../verb.ts';

export const rset: Verb = {
  name: 'rset',
  async run(session) {
    await session.resetTransaction();
    session.reply({ code: 250, status: '2.0.0', lines: ['ok'] });
  },
};
