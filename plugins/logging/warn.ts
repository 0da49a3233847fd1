// Writes log entries to standard error, in the shape that qpsmtpd's log tools read (qpsmtpd:
// plugins/logging/warn).

import { definePlugin } from 'qpsmtpd';
import { stderrLog, stderrWords } from './_stderr-log.ts';

export default definePlugin({
  name: 'logging/warn',
  summary: 'writes log entries to standard error',
  docs: `Writes every log entry up to a level to standard error, where multilog, the journal or a file takes it. A line
has the id of the process and the number of its client, the hook in parentheses, the plugin, and the text. What
is not printable ASCII is written as \\xNN, so that no client can forge a line.

The plugin is loaded by a line of config/logging.

Example, in config/logging: logging/warn 6

Log lines: none of its own.`,
  ...stderrWords,
  setup: (host) => ({ logging: stderrLog(host) }),
});
