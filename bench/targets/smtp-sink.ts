// Postfix's smtp-sink(1): a C program that answers and forgets; the ceiling for every other.

import { SESSION_LIMIT, type Target } from './target.ts';

export const smtpSink: Target = {
  name: 'smtp-sink',
  setups: ['plugins', 'bare'],
  async prepare({ port }) {
    // It refuses to run as root.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const limit = ['-m', String(SESSION_LIMIT)];
    return { file: 'smtp-sink', args: [...user, ...limit, `inet:127.0.0.1:${port}`, '1024'] };
  },
};
