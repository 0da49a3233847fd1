// Takes log entries and writes none (qpsmtpd: plugins/logging/devnull).

import { definePlugin } from 'qpsmtpd';

export default definePlugin({
  name: 'logging/devnull',
  summary: 'takes log entries and writes none',
  docs: `Where this is the only plugin that takes entries, there is no log at all: not of failures, and not of mistakes in a
configuration that is read anew. check-config warns of that, and logging/warn 3 (error) costs next to nothing. Beside
other logging plugins it does nothing.

Example, in config/logging: logging/devnull

Log lines: none of its own.`,
  sideEffects: false,
  // The level with the fewest entries: those that nobody wants need not even be made.
  setup: () => ({ logging: { upTo: 'emerg', handler: () => undefined } }),
});
