// Queue plugin of the bench: takes every message and forgets it.

import { definePlugin, ok } from 'qpsmtpd';

export default definePlugin({
  name: 'discard',
  summary: 'takes every message and forgets it',
  setup() {
    return { queue: () => ok() };
  },
});
