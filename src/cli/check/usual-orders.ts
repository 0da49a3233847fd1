// Orders that qpsmtpd's documentation asks for, by plugin. They count for plugins of these names that say nothing of
// their order themselves: a site's own ones that carry on the work of a Perl plugin. A plugin that comes with the server
// says it in its own definition.

import type { OrderRule } from '../../contract/plugin.ts';

// Who finds out which clients are not to be checked.
const trusting = ['relay', 'whitelist'];
const checksTrusted = 'clients that they would let pass are checked all the same';

const atConnect: readonly OrderRule[] = [{ hook: 'connect', after: trusting, otherwise: checksTrusted }];
const atMail: readonly OrderRule[] = [{ hook: 'mail', after: ['whitelist'], otherwise: checksTrusted }];

export const usualOrders: Readonly<Record<string, readonly OrderRule[]>> = {
  dmarc: [
    {
      hook: 'data_post_headers',
      after: ['sender_permitted_from', 'dkim'],
      otherwise: 'it judges by their results, which are not there yet, so that good mail fails',
    },
  ],
  dspam: [
    {
      hook: 'data_post',
      after: ['spamassassin'],
      otherwise: 'it can neither learn from their verdict nor agree with it',
    },
  ],
  karma: [
    ...atConnect,
    {
      hook: 'connect',
      before: ['earlytalker', 'fcrdns', 'dnsbl'],
      otherwise: 'clients that it turns away cost the time of their checks first',
    },
  ],
  fcrdns: atConnect,
  greylisting: [
    ...atMail,
    {
      hook: 'connect',
      after: ['ident/p0f', 'ident/geoip'],
      otherwise: 'it does not know what they find out',
    },
  ],
  resolvable_fromhost: atMail,
  sender_permitted_from: atMail,
};
