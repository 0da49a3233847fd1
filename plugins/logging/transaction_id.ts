// Log entries with the id of the transaction in front (qpsmtpd: plugins/logging/transaction_id, which dies on loading as
// its transactions have no id).

import { definePlugin } from 'qpsmtpd';
import { stderrLog, stderrWords } from './_stderr-log.ts';

export default definePlugin({
  name: 'logging/transaction_id',
  summary: 'writes log entries to standard error, with the id of their transaction',
  docs: `Does what logging/warn does, with the number of the transaction behind that of the client: PID.N.M stands for the
M-th MAIL of client N of process PID. So the lines of one message can be told from those of the others that came over
the same connection. What belongs to no transaction has PID.N, as with logging/warn: connect and HELO, what stands
between two transactions, and the line "dispatching MAIL" itself, at which the next one has not begun.

Example, in config/logging: logging/transaction_id 6

Log lines: none of its own.`,
  ...stderrWords,
  setup: (host) => ({
    logging: stderrLog(host, ({ transaction }, { id }) =>
      transaction === null || transaction.number === 0 ? id : `${id}.${transaction.number}`,
    ),
  }),
});
