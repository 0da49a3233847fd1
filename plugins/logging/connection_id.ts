// Log entries with the id of the connection in front (qpsmtpd: plugins/logging/connection_id, which dies on loading as its
// connections have no id). Here that id stands in front of every line anyhow.

import { definePlugin } from 'qpsmtpd';
import { stderrLog, stderrWords } from './_stderr-log.ts';

export default definePlugin({
  name: 'logging/connection_id',
  summary: 'writes log entries to standard error, with the id of their connection',
  docs: `Does what logging/warn does, whose lines begin with the id of the connection, too: PID.N for client N of process
PID, and the process alone where an entry is about no client. It is there for configurations that name it.

Example, in config/logging: logging/connection_id 6

Log lines: none of its own.`,
  ...stderrWords,
  setup: (host) => ({ logging: stderrLog(host) }),
});
