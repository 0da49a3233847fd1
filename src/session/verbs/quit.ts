// QUIT, RFC 5321 section 4.1.1.10.

import type { Verb } from '../verb.ts';

export const quit: Verb = {
  name: 'quit',
  async run(session) {
    const verdict = await session.decide('quit');
    session.answer('quit', verdict, await session.engine.lookup.value('me'));
    session.end('quit');
  },
};
