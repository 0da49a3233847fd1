// qpsmtpd-config(5): how configuration files are found and read, and every file that the core reads.

import { knownFiles } from '../../src/config/known-files.ts';
import {
  bold,
  example,
  italic,
  item,
  opening,
  page,
  paragraph,
  type Roff,
  roff,
  section,
  sentence,
  title,
} from './roff.ts';

export interface Edition {
  readonly version: string;
  /** YYYY-MM-DD */
  readonly date: string;
}

/** A file that a plugin declares. */
export interface PluginFile {
  /** with `.cdb` where it is a map */
  readonly file: string;
  readonly plugin: string;
  readonly form: string;
  readonly doc: string;
}

interface CoreFile {
  readonly form: string;
  readonly doc: string;
  readonly shownDefault: string;
}

function coreFiles(): string[] {
  const files: [string, CoreFile][] = Object.entries(knownFiles);
  return files.map(([name, { form, doc, shownDefault }]) =>
    item(roff`${bold(name)} ${italic(form)}`, sentence(doc), roff`Default: ${shownDefault}.`),
  );
}

function pluginFiles(files: readonly PluginFile[]): string[] {
  const sorted = files.toSorted((one, other) => (one.file < other.file ? -1 : 1));
  return sorted.map(({ file, plugin, form, doc }) =>
    item(roff`${bold(file)} ${italic(form)}`, roff`${sentence(doc)} Read by ${bold(plugin)}.`),
  );
}

const search: readonly (string | Roff)[] = [
  roff`the folders given with ${bold('--config')}, in their order; without any, the folder named in the environment
    variable ${bold('QPSMTPD_CONFIG')}`,
  roff`the folder ${bold('config')} beside the program, where it is called with its folder (${bold('./qpsmtpd')}), as a link
    too`,
  roff`the folder ${bold('config')} of the installation, that is ${bold('../config')} as seen from the executable`,
  roff`${bold('$QMAIL/control')}, where the environment variable ${bold('QMAIL')} is set`,
  roff`${bold('/var/qmail/control')}`,
];

const reading: readonly (string | Roff)[] = [
  `A file is plain text, one entry a line. Blanks around an entry do not count. Empty lines are skipped, and so are lines
    that begin with #. A # further on is part of the entry. A file of one value has it on its first line; further
    lines are warned of and ignored. A file that is missing or empty means the default.`,
  roff`The line ${bold('$include')} ${italic('NAME')} stands for the lines of another file. A name without a slash at its
    front is searched for in the configuration folders, not beside the file that includes it. Where NAME is a folder, all
    files in it are read in the order of their names, except those whose name begins with a dot. A missing
    file is a warning. A file that includes itself, directly or by others, is an error that costs that line only.`,
  roff`Some files of plugins are maps, constant databases with the name ${italic('NAME')}${bold('.cdb')}. They are found by
    the same search and made with cdbmake or qmail-newmrh.`,
  `An edited file counts within a second or so, without a restart. An edit for the worse does not count:
    a value that makes no sense is reported in the log, and the last good one stays in use. A bad line in a list
    of a plugin is named in the log and left out. The files plugins, logging, plugin_dirs, spool_dir, spool_perms and
    loglevel are the exception: they are read at start; for the first three, and only them, SIGHUP suffices.`,
  roff`A relative path in a file begins at the folder that the server was started in. ${bold('qpsmtpd check-config')} reads
    everything that the server would read and names file and line of each mistake.`,
];

const environment: readonly (readonly [string, string])[] = [
  ['QPSMTPD_CONFIG', 'The folder with configuration files where `--config` is not given.'],
  ['QMAIL', 'The folder of qmail, whose folder `control` is searched, too.'],
  ['DATABYTES', 'It goes before the file `databytes`, for instance for one client of tcpserver.'],
];

export function configPage({ version, date }: Edition, files: readonly PluginFile[]): string {
  return page(
    title('qpsmtpd-config', 5, date, version),
    section('Name'),
    'qpsmtpd\\-config \\- configuration files of the SMTP daemon qpsmtpd',
    section('Description'),
    opening(
      roff`The configuration of ${bold('qpsmtpd')}(8) is a folder of small files. The search for a file goes on from
        folder to folder until one has it, each file on its own; a folder that lacks one file still gives the
        others. The folders are, in this order:`,
    ),
    search.map((text, at) => item(roff`${String(at + 1)}.`, text)),
    section('How files are read'),
    opening(reading[0] ?? ''),
    reading.slice(1).map(paragraph),
    section('Files of the core'),
    coreFiles(),
    section('Files of plugins'),
    opening(
      roff`They count where the plugin is loaded; ${bold('qpsmtpd-plugins')}(5) has more of each, with the plugin.`,
    ),
    pluginFiles(files),
    section('Configuration of users'),
    opening(
      roff`The plugin ${bold('user_config')} gives users files of their own: where a file is asked for on behalf of one
        recipient or sender, the one in the user's folder goes before that of the server. The server asks for
        ${bold('queue_routes')} so; plugins may ask for any file.`,
    ),
    section('Environment'),
    environment.map(([name, meaning]) => item(bold(name), meaning)),
    section('Example'),
    opening(roff`A server that takes mail for example.org needs three files. ${bold('plugins')}:`),
    example(['relay', 'rcpt_ok', 'queue/maildir /var/spool/qpsmtpd/Maildir']),
    paragraph(roff`${bold('rcpthosts')}:`),
    example(['example.org', '.example.org']),
    paragraph(roff`${bold('relayclients')}, for clients that may send to anybody:`),
    example(['127.0.0.1', '192.0.2.0/24']),
    section('See also'),
    opening(roff`${bold('qpsmtpd')}(8), ${bold('qpsmtpd-plugins')}(5), ${bold('qpsmtpd-plugin-api')}(7)`),
  );
}
