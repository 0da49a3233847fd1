// Writes log entries to standard error, in the shape that qpsmtpd's log tools read (qpsmtpd:
// plugins/logging/warn).

import {
  definePlugin,
  formatLogLine,
  type LogLevel,
  logLevelOf,
  type Option,
  OptionError,
  parseLogLevel,
} from 'qpsmtpd';

const level: Option<LogLevel> = {
  form: 'LEVEL',
  doc: 'the least important level that is written: 0 to 7, or a name such as info or LOGINFO',
  required: false,
  rest: false,
  default: 'warn',
  shownDefault: 'warn',
  parse(text) {
    const known = /^\d+$/.test(text) ? logLevelOf(Number(text)) : parseLogLevel(text);
    if (known === null) throw new OptionError(`"${text}" is not a log level`);
    return known;
  },
};

export default definePlugin({
  name: 'logging/warn',
  summary: 'writes log entries to standard error',
  docs: `Writes every log entry up to a level to standard error, where multilog, the journal or a file takes it. A line
has the id of the process and the number of its client, the hook in parentheses, the plugin, and the text. What
is not printable ASCII is written as \\xNN, so that no client can forge a line.

The plugin is loaded by a line of config/logging.

Example, in config/logging: logging/warn 6

Log lines: none of its own.`,
  options: { level },
  positional: ['level'],
  setup({ id, options, stderr }) {
    return {
      logging: {
        upTo: options.level,
        handler(_at, entry) {
          if (entry.plugin !== id) stderr(formatLogLine(entry));
        },
      },
    };
  },
});
