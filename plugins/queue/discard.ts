// Takes messages and throws them away. For tests, and for the address of a machine that must hear nothing.

import { type AtEnvelope, definePlugin, ok } from 'qpsmtpd';
import { decidesAll } from './_order.ts';

export default definePlugin({
  name: 'queue/discard',
  summary: 'takes every message and throws it away',
  docs: `Answers 250 to every message and throws it away. Each one is named in the log at level warn, and so is the fact
that the plugin is loaded: nobody is to lose mail by a line that was forgotten.

Example, in config/plugins:

queue/discard

Log lines: "pass" with sender, recipients and size of what is gone.`,
  carries: ['SMTPUTF8', 'BINARYMIME'],
  order: decidesAll,
  setup({ log }) {
    log.warn('every message is thrown away here');
    return {
      queue(at: AtEnvelope) {
        const { sender, recipients, content } = at.transaction;
        const to = recipients.map(({ path }) => path).join(' ');
        at.log.warn(`pass, thrown away: from ${sender.path} to ${to}, ${content.size} octets`);
        return ok('thrown away');
      },
    };
  },
});
