// Refuses every login that no plugin before it has accepted (qpsmtpd: plugins/auth/authdeny, which declined; nothing
// came of that but a refusal in other words).

import { definePlugin, deny, printable } from 'qpsmtpd';

export default definePlugin({
  name: 'auth/authdeny',
  summary: 'refuses every login that gets as far as this',
  docs: `Answers each login that no other plugin has decided with a refusal, without a look at the password. Since it does so
for any mechanism, all of them are offered to clients. It is for trying out what clients do when they cannot log in, and
as an example; a server that nobody may log in to needs no login plugin at all.

Example, in config/plugins: auth/authdeny

Log lines: "fail, cannot authenticate" with the user.`,
  sideEffects: false,
  order: [
    {
      hook: 'auth',
      last: true,
      otherwise: 'it refuses each login that comes to it, so they are never asked',
    },
  ],
  setup() {
    return {
      auth(at, { user }) {
        at.log.warn(`fail, cannot authenticate: ${printable(user)}`);
        return deny();
      },
    };
  },
});
