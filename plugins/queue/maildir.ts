// Delivers to Maildir folders, so that a message which got its 250 survives whatever happens to the process or the
// machine (architecture: durability). Follows qpsmtpd's plugins/queue/maildir in its arguments and names of files;
// unlike there, every write is checked and synced, and an address never leads out of the base folder.

import { join, resolve } from 'node:path';
import {
  type Address,
  type AtEnvelope,
  definePlugin,
  FolderSync,
  type HookTable,
  type Host,
  type LineEnds,
  type Option,
  OptionError,
  ok,
  option,
  type Verdict,
} from 'qpsmtpd';
import { type MaildirFiles, nodeFiles } from './_maildir-files.ts';
import { MaildirFolders } from './_maildir-folders.ts';
import { fileNames, recipientFolder } from './_maildir-names.ts';
import { type Copy, MaildirWriter } from './_maildir-writer.ts';
import { decidesAll } from './_order.ts';
import { storageFailure } from './_storage-failure.ts';

const NO_EXECUTE = 0o666;

const subdirOption: Option<string | undefined> = {
  ...option.text({ form: 'SUBDIR', doc: 'folder of each recipient below DIR, with %l, %d or %u in it' }),
  parse(text) {
    if (!/%[ldu]/.test(text)) throw new OptionError(`"${text}" has none of %l, %d and %u in it`);
    if (text.split('/').includes('..')) throw new OptionError(`"${text}" leads out of the folder`);
    return text;
  },
};

const options = {
  dir: option.path({ required: true, doc: 'the Maildir, or the folder of those of the recipients' }),
  subdir: subdirOption,
  mode: option.mode({
    default: 0o700,
    doc: 'permissions of new folders, whatever the umask is; files get them without the execute bits',
  }),
};

type MaildirHost = Pick<Host<typeof options>, 'options' | 'clock' | 'pid' | 'hostname' | 'configLines'>;

export default definePlugin({
  name: 'queue/maildir',
  summary: 'delivers to Maildir folders',
  docs: `Delivers every message to the Maildir DIR, with a Delivered-To line for each recipient. With SUBDIR, each recipient
gets a copy of its own in a Maildir below DIR, which names nobody else. In SUBDIR, %l stands for what is before the @ of
the address, %d for the domain (that of this host for a bare postmaster), and %u for the whole address. Characters other
than letters, digits and -+_.,@= become _, and so do dots at the beginning, so that nobody can choose a folder outside
of DIR or a hidden one. Upper and lower case are kept. Folders that are missing are made.

A client gets its 250 when the message is on disk: written to tmp, synced, linked into new, and new synced. Messages that
finish at the same time share the last step. With several recipients, nothing is linked until all copies are on disk.
When anything fails, the client is told to come again (452, with 4.3.1 when disk or quota is full), nothing is left
behind, and the log says at level error which path could not be written, and why.

Each Maildir, and the folders above it, are synced once by each process, before the first 250 for a message in it: they
may have been made a moment ago by a process that was killed.

The folders of DIR are made when the server starts, as the user it runs as; files in tmp that nobody has touched for 36
hours are removed then. Return-Path holds the sender. Lines end with LF; only a message that was sent as binary is stored
octet by octet.

Addresses and headers in UTF-8 (SMTPUTF8) are stored as they are; letters of all scripts may stand in the name of a folder,
and a domain stands there in its ASCII form (xn--).

Examples, in config/plugins:

queue/maildir /var/spool/mail-in

queue/maildir /var/mail %d/%l 0770

Log lines: "pass" with the file's name, "fail" when the client or the time was gone before the message was delivered,
"error" with path and reason.`,
  options,
  positional: ['dir', 'subdir', 'mode'],
  carries: ['SMTPUTF8', 'BINARYMIME'],
  order: decidesAll,
  check: ({ options: { dir } }, checkup) => checkup.writes(resolve(dir)),
  setup: (host) => maildirQueue(host, nodeFiles),
});

/** The plugin on a file system of choice. */
export function maildirQueue(host: MaildirHost, files: MaildirFiles): HookTable {
  const { mode, subdir } = host.options;
  const base = resolve(host.options.dir);
  const sync = new FolderSync(files);
  const folders = new MaildirFolders(files, sync, mode);
  const newName = fileNames(host);
  const writer = new MaildirWriter({ files, folders, sync, mode: mode & NO_EXECUTE, newName });
  const queue = (at: AtEnvelope) => deliver(at, writer, copiesOf(at, host, base));
  if (subdir !== undefined) return { queue };
  return {
    queue,
    // Not in setup: there the server still has the rights it was started with, and may not be going to serve at all.
    async 'post-fork'(at) {
      try {
        folders.make(base);
        await folders.settle(base);
        await folders.removeStale(base, host.clock.now());
      } catch (error) {
        at.log.error(`error, cannot prepare ${base}: ${error instanceof Error ? error.message : error}`);
      }
    },
  };
}

function copiesOf(at: AtEnvelope, host: MaildirHost, base: string): Copy[] {
  const { subdir } = host.options;
  const { sender } = at.transaction;
  const recipients = withoutRepeated(at.transaction.recipients);
  const lineEnd = lineEndsOf(at) === 'lf' ? '\n' : '\r\n';
  const head = (to: readonly Address[]) => {
    const lines = [`Return-Path: ${sender.path}`, ...to.map((one) => `Delivered-To: ${one}`)];
    return Buffer.from(lines.map((line) => line + lineEnd).join(''));
  };
  if (subdir === undefined) return [{ maildir: base, head: head(recipients) }];
  const ownDomain = host.configLines('me')[0] ?? host.hostname;
  return recipients.map((recipient) => ({
    maildir: join(base, recipientFolder(subdir, recipient, ownDomain)),
    head: head([recipient]),
  }));
}

/** A client may name a recipient twice; he is to get the message once. */
function withoutRepeated(recipients: readonly Address[]): readonly Address[] {
  if (recipients.length < 2) return recipients;
  const known = new Map<string, Address>();
  for (const one of recipients) {
    const key = `${one.localPart}@${one.asciiDomain.toLowerCase()}`;
    if (!known.has(key)) known.set(key, one);
  }
  return [...known.values()];
}

/** What was sent as binary (RFC 3030) has no lines that could be changed. */
function lineEndsOf({ transaction }: AtEnvelope): LineEnds {
  return String(transaction.params.get('BODY')).toUpperCase() === 'BINARYMIME' ? 'as-received' : 'lf';
}

async function deliver(at: AtEnvelope, writer: MaildirWriter, copies: readonly Copy[]): Promise<Verdict> {
  try {
    const content = { message: at.transaction.content, lineEnds: lineEndsOf(at) };
    const name = await writer.deliver(copies, content, () => at.signal.aborted);
    at.log.info(`pass, queued as ${name}`);
    return ok(`queued as ${name}`);
  } catch (error) {
    return storageFailure(at, error);
  }
}
