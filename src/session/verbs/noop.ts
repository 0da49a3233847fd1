// NOOP, RFC 5321 section 4.1.1.9.

import type { Verb } from '../verb.ts';

export const noop: Verb = {
  name: 'noop',
  async run(session, argument) {
    session.answer('noop', await session.decide('noop', argument));
  },
};
