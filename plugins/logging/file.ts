// Writes log entries to a file, or to a command (qpsmtpd: plugins/logging/file). Unlike there, nothing of it stops the mail,
// and a file that is moved away is opened anew.

import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { type Checkup, definePlugin, type HookTable, type Host, option } from 'qpsmtpd';
import { FileLog, type FileLogHost } from './_file-log.ts';
import { levelOption } from './_level.ts';
import { type LogFiles, nodeLogFiles } from './_log-files.ts';
import { type OutputLine, readOutputLine } from './_output-line.ts';
import { NO_SESSION, OutputNames } from './_output-names.ts';

const options = {
  output: {
    ...option.text({
      required: true,
      form: '[nosplit] [reopen] PATH | |COMMAND',
      doc: 'the file, or behind a | a command for the shell; before it the words nosplit and reopen, if wanted',
    }),
    rest: true,
    // Quotes in a command are the shell's.
    verbatim: true,
    parse(text: string): string {
      readOutputLine(text);
      return text;
    },
  },
  loglevel: levelOption('warn', 'the least important level that is written'),
  tsformat: option.text({
    form: 'FORMAT',
    default: '%a %b %d %T %Y',
    doc: 'the time at the beginning of a line, as strftime(3) has it',
  }),
};

export default definePlugin({
  name: 'logging/file',
  summary: 'writes log entries to a file or a command',
  docs: `Writes every log entry up to a level to a file. loglevel, tsformat, nosplit and reopen may come in any order and in
capitals; all that follows them is the path, or behind a | the command. A line is

Thu Jan 01 12:00:00 1970 HOST[PID.N]: (HOOK) PLUGIN: TEXT

with the time in local time, the name of this host, and the process with the number of its client. What is not printable
ASCII is written as \\xNN. For several files, load logging/file:1 and so on.

PATH and COMMAND may have the conversions of strftime(3), in the C locale: /var/log/qpsmtpd/%Y-%m-%d.log begins a file each
day. %i stands for the session as SECONDS-PID-COUNTER, or for "parent" where no client is concerned: there is a file for
each client then. With nosplit, a session keeps the name that it began with.

A file is made with mode 0640 by the user of the server; folders are not made. All processes of a server
append to the same file, each of them whole lines. A file that is moved away or deleted is opened anew 50 ms later at most, so
that logrotate needs neither a signal nor copytruncate, but delaycompress where it has compress; with reopen this is
looked at with the first entry of each session, too. A named pipe may stand in the place of a file.

COMMAND is started with /bin/sh -c when there is something for it, and reads lines on its standard input. Each process of a server
starts its own. One that ends is started again, after a pause that grows to a minute. With reopen, each session has one, started
with its first entry and told by the end of its input that the session is over (a minute later after a reload); one that
ends with 0 before that gets no more of it.
At a reload or stop, commands have three seconds to read what is left.

A log that cannot be written does not hold up mail. Standard error says why, once a minute, and when it works again; up to
1 MiB of entries waits in memory until then, and what goes beyond that is lost and counted. At most 64 files or commands of a
line are open: those of sessions that are over are closed, then those that were idle for the longest time.

Examples, in config/logging:

logging/file loglevel LOGNOTICE /var/log/qpsmtpd/qpsmtpd.log

logging/file loglevel 6 tsformat "%F %T" nosplit /var/log/qpsmtpd/%F.log

logging/file loglevel LOGCRIT reopen |/usr/local/sbin/page-sysadmin

Log lines: none of its own; what is wrong is told on standard error.`,
  options,
  positional: ['output'],
  check: ({ options: { output }, clock }, checkup) => check(readOutputLine(output), clock.now(), checkup),
  setup: (host) => fileLogging(host, nodeLogFiles),
});

type FileHost = FileLogHost & Pick<Host<typeof options>, 'options' | 'onRetire'>;

/** The plugin on a file system of choice. Writes nothing yet. */
export function fileLogging(host: FileHost, files: LogFiles): HookTable {
  const { tsformat, loglevel } = host.options;
  const output = readOutputLine(host.options.output);
  const { isCommand, target, nosplit, reopen } = output;
  const settings = {
    isCommand,
    nosplit,
    reopen,
    target: isCommand ? target : resolve(target),
    tsformat: output.tsformat ?? tsformat,
  };
  const log = new FileLog(host, settings, files);
  host.onRetire(() => log.retire());
  return {
    logging: {
      upTo: output.loglevel ?? loglevel,
      handler(at, entry) {
        if (entry.plugin !== host.id) log.write(entry, at.connection);
      },
    },
    'post-fork': () => log.release(),
    'post-connection': log.hasSessions ? (at) => log.endSession(at.connection) : undefined,
  };
}

function check({ isCommand, target }: OutputLine, now: Date, checkup: Checkup): void {
  if (!isCommand) {
    checkup.appends(new OutputNames(resolve(target)).at(now, NO_SESSION));
    const [word] = / (?:loglevel|tsformat|nosplit|reopen)(?= |$)/i.exec(target) ?? [];
    if (word !== undefined)
      checkup.warn(`"${word.trim()}" is taken for a part of the path`, 'write it before the path');
    return;
  }
  const [program = ''] = /^\/[\w./+-]+(?=\s|$)/.exec(target) ?? [];
  if (program === '') return;
  try {
    accessSync(program, constants.X_OK);
  } catch {
    checkup.warn(`${program} is no program that can be run`, 'the log is lost without it');
  }
}
