// What --help prints, and what is said where the first word is no subcommand.

import { type ArgsDef, type CommandDef, renderUsage } from 'citty';
import { quoted } from '../config/errors.ts';
import { nearest } from '../engine/errors.ts';

/** Below the options of a subcommand; none has a mistake in it, and a test reads them as the subcommand would. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  serve: [
    'qpsmtpd serve --config /etc/qpsmtpd --listen 127.0.0.1:2525',
    'qpsmtpd serve --config /etc/qpsmtpd --listen :25 --listen :465,tls --user smtpd',
  ],
  forkserver: ['qpsmtpd forkserver --config /etc/qpsmtpd --listen :25 --user smtpd --workers 4'],
  prefork: ['qpsmtpd prefork --interface 192.0.2.1 --port 25 --children 50 --user smtpd'],
  stdin: ['tcpserver -v -R -u 64011 -g 64011 0 25 qpsmtpd stdin --config /etc/qpsmtpd'],
  'check-config': [
    'qpsmtpd check-config --config /etc/qpsmtpd --user smtpd',
    'qpsmtpd check-config --config /etc/qpsmtpd --show databytes relay rcpt DSN',
  ],
  'test-plugin': ['qpsmtpd test-plugin badmailfrom reject 1 --transcript badmailfrom.smtp'],
  'tls-cert': ['qpsmtpd tls-cert --config /etc/qpsmtpd --name mx.example.org --dir /etc/qpsmtpd/ssl'],
  queue: ['qpsmtpd queue list --config /etc/qpsmtpd', 'qpsmtpd queue hold NAME --config /etc/qpsmtpd'],
};

/** In place of citty's own, which ends lines with blanks. */
export async function showUsage<T extends ArgsDef>(
  command: CommandDef<T>,
  parent?: CommandDef<T>,
): Promise<void> {
  const meta = typeof command.meta === 'function' ? await command.meta() : await command.meta;
  const own = examples[meta?.name ?? ''] ?? [];
  const usage = (await renderUsage(command, parent)).replace(/[ \t]+$/gm, '').trimEnd();
  const shown = own.length === 0 ? '' : `\n\nEXAMPLES\n\n${own.map((line) => `  ${line}`).join('\n')}`;
  process.stdout.write(`${usage}${shown}\n\nThe manual: man qpsmtpd\n`);
}

/** What is wrong with the words of a call, as a sentence; null where a subcommand, or nothing, comes first. */
export function wordsMistake(words: readonly string[], subcommands: readonly string[]): string | null {
  const [first] = words;
  if (first === undefined || ['--help', '-h', '--version', '-v'].includes(first)) return null;
  if (subcommands.includes(first)) return null;
  const known = `subcommands: ${subcommands.filter((name) => name in examples).join(', ')}`;
  if (first.startsWith('-')) {
    return `options stand behind a subcommand, as in "qpsmtpd serve ${first} …"; there is no client on standard input to serve without one (${known})`;
  }
  const close = nearest(first, subcommands);
  return `there is no subcommand ${quoted(first)} (${close === null ? known : `did you mean "${close}"?`})`;
}
