// qpsmtpd-config(5): how configuration files are found and read, and every file that the core reads.

import { knownFiles } from '../../src/config/known-files.ts';
import { verbs } from '../../src/session/verbs.ts';
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
  title,
} from './roff.ts';

export interface Edition {
  readonly version: string;
  /** YYYY-MM-DD */
  readonly date: string;
}

/** Name of a plugin to the files it declares. */
export type PluginFiles = readonly (readonly [file: string, plugin: string])[];

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

/** What nothing obeys before there is AUTH. */
function futureFiles(): string[] {
  if (verbs.has('auth')) return [];
  const names = roff`${bold('max_login_failures')} and ${bold('tls_before_auth')}`;
  return [paragraph(roff`${names} are read, but do nothing yet: AUTH is not in this version.`)];
}

/** Doc strings begin small and have no full stop, so that they can stand anywhere. */
export function sentence(doc: string): string {
  const text = `${doc.slice(0, 1).toUpperCase()}${doc.slice(1)}`;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function pluginFiles(files: PluginFiles): string {
  const plugins = new Map<string, string[]>();
  for (const [file, plugin] of files) plugins.set(file, [...(plugins.get(file) ?? []), plugin]);
  const names = [...plugins].sort(([one], [other]) => (one < other ? -1 : 1));
  return names.map(([file, readers]) => item(bold(file), `Read by ${readers.join(', ')}.`)).join('\n');
}

const search: readonly (string | Roff)[] = [
  roff`the folders given with ${bold('--config')}, in their order; without any, the folder named in the environment
    variable ${bold('QPSMTPD_CONFIG')}`,
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

export function configPage({ version, date }: Edition, files: PluginFiles): string {
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
    futureFiles(),
    section('Files of plugins'),
    opening(roff`What is in them is told by ${bold('qpsmtpd-plugins')}(5), with the plugin.`),
    pluginFiles(files),
    section('Example'),
    opening(roff`A server that takes mail for example.org needs three files. ${bold('plugins')}:`),
    example(['relay', 'rcpt_ok', 'queue/maildir /var/spool/qpsmtpd/Maildir']),
    paragraph(roff`${bold('rcpthosts')}:`),
    example(['example.org', '.example.org']),
    paragraph(roff`${bold('relayclients')}, for clients that may send to anybody:`),
    example(['127.0.0.1', '192.0.2.0/24']),
    section('See also'),
    opening(roff`${bold('qpsmtpd')}(8), ${bold('qpsmtpd-plugins')}(5)`),
  );
}
