// Writes much about messages that are refused and little about those that are taken, or the other way round: entries of a
// taken message are written once more, with a mark by which multilog can sort (qpsmtpd: plugins/logging/adaptive).

import {
  type AtSession,
  type Connection,
  definePlugin,
  formatLogLine,
  type LogEntry,
  logLevels,
  type Option,
  OptionError,
  option,
  type Transaction,
  type Verdict,
} from 'qpsmtpd';
import { KeptLines, type KeptMessage } from './_kept-lines.ts';
import { levelOption } from './_level.ts';

declare module 'qpsmtpd' {
  interface ConnectionNotes {
    /** what lines of logging/adaptive keep of the message under way, by the name on the line */
    'logging-adaptive': Map<string, KeptLines>;
  }
}

const NOTE = 'logging-adaptive';

const prefix: Option<string> = {
  ...option.text({ default: '`', doc: 'the mark, behind the id; a character that is rare in a log' }),
  parse(text) {
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new OptionError(`"${text}" is not of printable ASCII without blanks, so no filter would find it`);
    if (withoutMark(text, text).includes(text))
      throw new OptionError(`"${text}" cannot be told from what is escaped in entries: write another mark`);
    return text;
  },
};

export default definePlugin({
  name: 'logging/adaptive',
  summary: 'writes log entries, and marks those of messages that are accepted',
  docs: `Entries up to the level of reject are written to standard error at once. Those of them that are up to the level of
accept are kept, and written once more when the message is accepted, all together, with the mark behind the id:

  12345.6 \` dispatching MAIL FROM:<a@example.com>

So a filter has the accepted messages in one place, and all the rest in another, in as much detail as each needs. For
multilog, as the last line of log/run:

  exec multilog t n10 s10000000 '-*\` *' ./main/detailed '-*' '+*\` *' ./main/accepted

A message is accepted when a queue plugin has taken it; with an answer for each recipient (LMTP, PRDR), when it was taken
for one of them. That a recipient was refused before does not matter. To it belong all entries since the message before,
or since the connection began: connect, HELO and login as well. What a message given up or refused has left is
forgotten. Deliveries by queue/spool, which come later, are written at once only.

Of each client some 64 kB are kept, the first and the last entries. How many are missing is said in their place. No
client can write the mark: in the text of an entry its first character is written as \\xNN wherever the mark stands in
it, as is all that is not printable ASCII.

Example, in config/logging: logging/adaptive accept info reject debug

Log lines: none of its own, but for the number of entries that are missing.`,
  options: {
    accept: levelOption(
      'error',
      'of an accepted message, the least important level that is written with the mark',
    ),
    reject: levelOption('warn', 'the least important level that is written at once'),
    prefix,
  },
  // As the example of qpsmtpd's configuration writes them.
  positional: ['accept', 'reject'],
  setup({ id, options, stderr }) {
    const kept = ({ connection }: AtSession) => connection.notes.get(NOTE)?.get(id);
    const most = logLevels[options.accept];
    return {
      logging: {
        upTo: options.reject,
        handler({ connection }, entry) {
          if (entry.plugin === id) return;
          const line = formatLogLine(unmarked(entry, options.prefix));
          stderr(line);
          if (connection === null || logLevels[entry.level] > most) return;
          keptFor(connection, id).add(line, isCommand(entry));
        },
      },
      queue_post(at, outcome) {
        const lines = kept(at);
        if (lines !== undefined) lines.isAccepted = isAccepted(at.transaction, outcome);
      },
      reset_transaction(at) {
        const lines = kept(at);
        if (lines === undefined) return;
        const { isAccepted } = lines;
        // No message yet: it may come, and what led to it belongs to it.
        if (!isAccepted && at.transaction.sender === null) return;
        const message = lines.takeMessage();
        if (isAccepted) writeMarked(message, at.connection.id, options.prefix, stderr);
      },
    };
  },
  check({ options: { accept, reject } }, checkup) {
    if (logLevels[accept] <= logLevels[reject]) return;
    checkup.warn(
      `entries up to level ${accept} are to be marked, but it gets them up to ${reject} only`,
      `say "reject ${accept}", or "accept ${reject}" if that is enough`,
    );
  },
});

/** Not in a cell of this plugin: after a reload it is another one that logs for clients who were there before. */
function keptFor({ notes }: Connection, id: string): KeptLines {
  const all = notes.get(NOTE) ?? new Map<string, KeptLines>();
  if (!notes.has(NOTE)) notes.set(NOTE, all);
  const own = all.get(id) ?? new KeptLines();
  if (!all.has(id)) all.set(id, own);
  return own;
}

function writeMarked(
  { first, leftOut, last }: KeptMessage,
  id: string,
  mark: string,
  stderr: (line: string) => void,
): void {
  const write = (line: string) => stderr(`${id} ${mark}${line.slice(id.length)}`);
  for (const line of first) write(line);
  if (leftOut > 0) write(`${id} ${leftOut} log entries of this message were not kept`);
  for (const line of last) write(line);
}

/** Whether it says that a command has come, and nothing came of it yet. */
function isCommand({ plugin, hook, text }: LogEntry): boolean {
  return plugin === null && hook === null && text.startsWith('dispatching ');
}

/** The entry without the mark in its text: a client could have its lines sorted with those of accepted messages. */
function unmarked(entry: LogEntry, mark: string): LogEntry {
  return entry.text.includes(mark) ? { ...entry, text: withoutMark(entry.text, mark) } : entry;
}

function withoutMark(text: string, mark: string): string {
  const first = mark.charAt(0);
  return text.replaceAll(first, `\\x${first.charCodeAt(0).toString(16)}`);
}

function isAccepted(transaction: Transaction, outcome: Verdict): boolean {
  const { recipients } = transaction;
  if (!transaction.answersEach || recipients.length === 0) return isTaken(outcome);
  return recipients.some((recipient) => isTaken(transaction.answerFor(recipient) ?? outcome));
}

function isTaken({ code, reply }: Verdict): boolean {
  return code === 'OK' || (code === 'DONE' && (reply === undefined || reply.code < 400));
}
