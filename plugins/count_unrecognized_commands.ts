// Hangs up on clients that talk something other than SMTP, such as HTTP through an open proxy (qpsmtpd:
// plugins/count_unrecognized_commands).

import { declined, definePlugin, deny, disconnect, option } from 'qpsmtpd';

export default definePlugin({
  name: 'count_unrecognized_commands',
  summary: 'hangs up after too many unknown commands',
  docs: `Counts the commands of a connection that neither the server nor a plugin above this one knows. With the Nth
the client gets 521 and the connection is closed. Known commands in between do not set the count back.

Example, in config/plugins: count_unrecognized_commands 6

The note unrec_cmd_count of the connection holds the count.

Log lines: "skip" with verb and count while there are less, "fail" with the one that was too much.`,
  options: {
    limit: option.integer({ default: 4, min: 1, doc: 'the unknown command that ends the connection' }),
  },
  positional: ['limit'],
  order: [
    { hook: 'unrecognized_command', last: true, otherwise: 'commands that only they know count as unknown' },
  ],
  setup({ options: { limit } }) {
    return {
      unrecognized_command(at, verb) {
        const { notes } = at.connection;
        const count = (notes.get('unrec_cmd_count') ?? 0) + 1;
        notes.set('unrec_cmd_count', count);
        const what = `unknown command "${verb}" (${count} of ${limit})`;
        if (count < limit) {
          at.log.info(`skip, ${what}`);
          return declined;
        }
        at.log.info(`fail, ${what}`);
        return disconnect(deny(`${count} unknown commands are too many, closing connection`, '5.5.1'));
      },
    };
  },
});
