// Where queue plugins stand: each of them takes or refuses every message that it is asked about.

import type { OrderRule } from 'qpsmtpd';

export const decidesAll: readonly OrderRule[] = [
  {
    hook: 'queue',
    last: true,
    otherwise: 'it takes or refuses each message, so they get only what queue_routes gives them',
  },
];
