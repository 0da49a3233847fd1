// The plugin for qpsmtpd inside of Apache, whose error log it writes (qpsmtpd: plugins/logging/apache). This server runs in
// no other; a configuration from there keeps its log.

import { definePlugin } from 'qpsmtpd';
import { stderrLog, stderrWords } from './_stderr-log.ts';

const REPLACED = 'there is no Apache around this server: entries go to standard error, as by logging/warn';

export default definePlugin({
  name: 'logging/apache',
  summary: 'stands in for the error log of Apache, by what logging/warn does',
  docs: `Perl's qpsmtpd can run inside of Apache and writes to its error log then. This server does not: the plugin does
what logging/warn does, and says so at the start. Put logging/warn in its place. Which levels are written is said on the
line, as there is no LogLevel of Apache.

Example, in config/logging: logging/apache 6

Log lines: at the start, that entries go to standard error.`,
  ...stderrWords,
  setup(host) {
    host.log.warn(REPLACED);
    return { logging: stderrLog(host) };
  },
  check: (_host, checkup) =>
    checkup.warn(REPLACED, 'put "logging/warn", with the level behind it, in its place'),
});
