// Hangs up on clients that hold a connection open with NOOPs (qpsmtpd: plugins/noop_counter; its count was one
// for the process, this one is the connection's).

import { type AtSession, declined, definePlugin, deny, disconnect, option } from 'qpsmtpd';

export default definePlugin({
  name: 'noop_counter',
  summary: 'hangs up after too many NOOPs in a row',
  docs: `Counts NOOP commands that follow each other in a connection. With the Nth the client is refused and the
connection closed. HELO, EHLO, MAIL, RCPT, DATA, VRFY, HELP, and RSET or whatever else ends a transaction, set the
count back to 0. These are seen before the other plugins see them, so the place in config/plugins does not matter.

Example, in config/plugins: noop_counter 5

Log lines: "fail" with the count.`,
  options: {
    limit: option.integer({ default: 3, min: 1, doc: 'the NOOP in a row that ends the connection' }),
  },
  positional: ['limit'],
  setup({ options: { limit }, perConnection }) {
    const noops = perConnection(() => ({ inARow: 0 }));
    const startOver = {
      first(at: AtSession) {
        noops(at.connection).inARow = 0;
        return declined;
      },
    };
    return {
      noop(at) {
        const count = ++noops(at.connection).inARow;
        if (count < limit) return declined;
        at.log.info(`fail, ${count} NOOPs in a row`);
        return disconnect(deny('too many NOOPs in a row, closing connection', '5.7.0'));
      },
      helo: startOver,
      ehlo: startOver,
      mail: startOver,
      rcpt: startOver,
      data: startOver,
      vrfy: startOver,
      help: startOver,
      reset_transaction: { first: (at) => void startOver.first(at) },
    };
  },
});
