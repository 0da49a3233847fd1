// What the plugins have in common that write every entry up to a level to standard error: they differ in the word that a
// line begins with.

import { type AtAnywhere, formatLogLine, type HookEntry, type Host, type LogEntry } from 'qpsmtpd';
import { levelOption } from './_level.ts';

/** Options and their places, for the definition of such a plugin. */
export const stderrWords = {
  options: { level: levelOption('warn', 'the least important level that is written') },
  positional: ['level'],
} as const;

type StderrHost = Pick<Host<(typeof stderrWords)['options']>, 'id' | 'options' | 'stderr'>;

/**
 * The handler of such a plugin.
 *
 * @param wordOf the word; without it that of the entry, which is the id of the process and the number of its client
 */
export function stderrLog(
  { id, options, stderr }: StderrHost,
  wordOf?: (at: AtAnywhere, entry: LogEntry) => string,
): HookEntry<'logging'> {
  return {
    upTo: options.level,
    handler(at, entry) {
      if (entry.plugin === id) return;
      stderr(formatLogLine(wordOf === undefined ? entry : { ...entry, id: wordOf(at, entry) }));
    },
  };
}
