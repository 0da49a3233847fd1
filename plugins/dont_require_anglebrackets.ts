// Takes addresses without angle brackets, which RFC 5321 section 4.1.2 demands (qpsmtpd:
// plugins/dont_require_anglebrackets).

import { type AtSession, answer, declined, definePlugin } from 'qpsmtpd';

export default definePlugin({
  name: 'dont_require_anglebrackets',
  summary: 'takes addresses without angle brackets',
  docs: `Lets clients say MAIL FROM:user@example.com and RCPT TO:user@example.com, with no angle brackets around the
address. They are added, and the client's karma falls by 2. Without this plugin such a command is
a syntax error.

Example, in config/plugins: dont_require_anglebrackets

Log lines: "fail, MAIL without angle brackets" and the same with RCPT.`,
  sideEffects: false,
  setup() {
    return {
      mail_pre: (at, path) => withBrackets(at, 'MAIL', path),
      rcpt_pre: (at, path) => withBrackets(at, 'RCPT', path),
    };
  },
});

function withBrackets(at: AtSession, verb: string, path: string) {
  if (path.startsWith('<') && path.endsWith('>')) return declined;
  at.adjustKarma(-2);
  at.log.info(`fail, ${verb} without angle brackets`);
  return answer(`<${path}>`);
}
