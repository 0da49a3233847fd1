// The configuration files that the core reads: what each may hold, what counts when it is missing, and what the
// manual says of it. Names are qpsmtpd's and qmail's; limits that qpsmtpd lacks have files of their own.

import { type LogLevel, logLevelOf, parseLogLevel } from '../contract/codes.ts';
import { bareNewline } from './bare-newline.ts';
import type { ConfigLine } from './config-file.ts';
import { badValue, duplicatePlugin } from './errors.ts';
import { extensionSwitches } from './extensions.ts';
import {
  folderAllowed,
  hostName,
  integer,
  type KnownFile,
  list,
  readFolder,
  type Surroundings,
  value,
} from './file-types.ts';
import { networkList } from './network-list.ts';
import { type PluginLine, parsePluginLine, parsePluginLines } from './plugin-lines.ts';
import { queueRoutes } from './queue-routes.ts';

// What a timer can hold: 2^31 milliseconds.
const LONGEST_TIME = 2_147_483;
const seconds = { unit: 'SECONDS', max: LONGEST_TIME } as const;

function pluginLines(doc: string): KnownFile<readonly PluginLine[]> {
  return {
    ...list({ form: 'PLUGIN[:N] [WORD…]', doc, read: parsePluginLine }),
    parse: (lines) => {
      const entries = lines.map(parsePluginLine);
      for (const [at, { name, where }] of entries.entries()) {
        const first = entries.findIndex((entry) => entry.name === name);
        if (first < at) throw duplicatePlugin(where, name, entries[first]?.where ?? where);
      }
      return entries;
    },
    check: (lines) => parsePluginLines(lines).findings,
  };
}

function readHost({ text, where }: ConfigLine): string {
  if (/\s/.test(text))
    throw badValue(where, text, 'one domain, or a dot and a domain for all hosts below it');
  return text.toLowerCase();
}

function readPluginDir({ text, where }: ConfigLine, around: Surroundings): string {
  const folder = readFolder(text, around);
  if (folder === undefined) throw badValue(where, text, folderAllowed);
  return folder;
}

/** By name of the file. A missing or empty file means the default. */
export const knownFiles = {
  me: hostName({
    default: ({ hostname }) => hostname,
    shownDefault: 'name of the host',
    doc: 'name of this server in its greeting, in Received and wherever else it names itself',
  }),
  'me-auth-results': hostName({
    form: 'HOST|none',
    default: () => null,
    shownDefault: 'as in me',
    doc: 'name of this server in Authentication-Results; "none": such fields are neither added nor changed',
  }),
  smtpgreeting: value<string | null>({
    form: 'TEXT',
    default: () => null,
    shownDefault: 'name and version of the server',
    doc: 'text of the greeting; ESMTP is added where it is missing',
    allowed: 'a greeting: only printable ASCII can be sent',
    read: (text) => (/^[\x20-\x7e]+$/.test(text) ? text : undefined),
  }),
  plugins: pluginLines('the plugins, in the order in which they are asked, each with its arguments'),
  logging: pluginLines('plugins that write the log, loaded before all others'),
  plugin_dirs: list({
    form: 'FOLDER',
    doc: 'folders that are searched for plugins before those that come with the server',
    read: readPluginDir,
  }),
  loglevel: value<LogLevel>({
    form: '0…7|LEVEL',
    default: () => 'warn',
    shownDefault: 'warn',
    doc: 'how much is logged to standard error where no logging plugin is loaded: 0 (emerg) to 7 (debug)',
    allowed: 'a log level: 0 to 7, or one of emerg alert crit error warn notice info debug',
    // Numbers above 7 are qpsmtpd's way to ask for everything.
    read: (text) => parseLogLevel(text) ?? (/^\d+$/.test(text) ? logLevelOf(Number(text)) : undefined),
  }),
  timeout: integer({
    ...seconds,
    min: 1,
    default: 1200,
    doc: 'a client from which nothing comes for so long, or no whole command, is cut off',
  }),
  timeoutsmtpd: integer({
    ...seconds,
    min: 1,
    default: null,
    shownDefault: 'as in timeout',
    doc: "the same under qmail's name; goes before timeout",
  }),
  hook_timeout: integer({
    ...seconds,
    default: 60,
    doc: 'how long a plugin may take to answer a hook; 0 = for ever; a line of plugins may say its own timeout',
  }),
  databytes: integer({
    unit: 'BYTES',
    default: 0,
    doc: 'size of the largest message that is taken; 0 = any. The environment variable DATABYTES goes before it',
  }),
  size_threshold: integer({
    unit: 'BYTES',
    default: 262_144,
    doc: 'up to this size a message is kept in memory; a bigger one is spooled to a file in spool_dir',
  }),
  spool_dir: value<string>({
    form: 'FOLDER',
    default: ({ home }) => `${home}/tmp`,
    shownDefault: '~/tmp',
    doc: 'folder of temporary files; "~/" stands for the home of the user that the daemon runs as',
    allowed: folderAllowed,
    read: readFolder,
  }),
  spool_perms: value<number>({
    form: 'MODE',
    default: () => 0o700,
    shownDefault: '0700',
    doc: 'permissions of spool_dir, in octal digits',
    allowed: 'a mode in octal digits, such as 0700',
    read: (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  }),
  bare_newline: bareNewline,
  extensions: extensionSwitches,
  max_command_line: integer({
    unit: 'BYTES',
    min: 512,
    max: 65_536,
    default: 2048,
    doc: 'longest command line with its line end; until EHLO the limit is 512, as RFC 5321 has it',
  }),
  max_header_size: integer({
    unit: 'BYTES',
    min: 1024,
    default: 1_048_576,
    doc: 'size of the largest message header that is taken',
  }),
  max_recipients: integer({
    unit: 'RECIPIENTS',
    min: 1,
    default: 1000,
    doc: 'recipients of one message; for those above it the client is told to come back (452)',
  }),
  max_login_failures: integer({
    unit: 'LOGINS',
    min: 1,
    default: 3,
    doc: 'failed logins after which a client is cut off',
  }),
  auth_failure_delay: integer({
    unit: 'SECONDS',
    max: 60,
    default: 1,
    doc: 'how long the reply to a failed login is held back',
  }),
  auth_lockout_failures: integer({
    unit: 'LOGINS',
    default: 20,
    doc:
      'failed logins from one address (IPv6: from one network of 64 bits) within auth_lockout_time, after which ' +
      'every login from there is put off with 421; 0 = any number. It is counted over all workers, and forgotten ' +
      'with a restart',
  }),
  auth_lockout_time: integer({
    ...seconds,
    min: 1,
    default: 600,
    doc: 'how long failed logins are counted together, and how long an address then stays locked out',
  }),
  auth_admin_networks: networkList({
    doc: 'networks whose clients are never locked out, and whose failed logins are answered at once',
  }),
  max_commands_without_mail: integer({
    unit: 'COMMANDS',
    min: 1,
    default: 1000,
    doc: 'commands after which a client that has handed over no message is cut off',
  }),
  max_errors: integer({
    unit: 'COMMANDS',
    default: 100,
    doc:
      'refused commands after which a client is cut off; 0 = any number. Refused recipients do not count, and a ' +
      'message that is taken starts the count anew',
  }),
  max_session_time: integer({
    ...seconds,
    default: 14_400,
    doc: 'a client that stays for so long is cut off; 0 = any time',
  }),
  min_transfer_rate: integer({
    unit: 'BYTES',
    default: 50,
    doc:
      'bytes a second of a message that a client has to send on average, once it was waited for 60 seconds; a slower ' +
      'one is cut off; 0 = any',
  }),
  tls_before_auth: value<boolean>({
    form: '0|1',
    default: () => false,
    shownDefault: '0',
    doc: 'whether AUTH is offered only under TLS: anything but 0 means yes',
    allowed: '0 or 1',
    read: (text) => text !== '0',
  }),
  proxy_networks: networkList({
    doc:
      'proxies, such as haproxy, that begin every connection with a PROXY header (version 1 or 2), which says who the ' +
      'client is. One that does not is cut off. An address in this list can say that it is anybody',
  }),
  xclient_networks: networkList({
    doc:
      'clients that are offered XCLIENT, by which a proxy says who its client is and as whom it has logged in. An ' +
      'address in this list can say that it is anybody',
  }),
  xforward_networks: networkList({
    doc:
      'clients that are offered XFORWARD, by which a filter says for the log where a message came from. What the ' +
      'client may do stays the same',
  }),
  rcpthosts: list({
    form: 'DOMAIN|.DOMAIN',
    doc: 'domains that mail is taken for, read by the plugin rcpt_ok; with a dot before it, all hosts below it',
    read: readHost,
  }),
  queue_routes: queueRoutes,
} as const satisfies Readonly<Record<string, KnownFile<unknown>>>;

export type KnownFileName = keyof typeof knownFiles;
/** What the file NAME gives: number for `databytes`. */
export type KnownValue<N extends KnownFileName> = ReturnType<(typeof knownFiles)[N]['parse']>;

export const knownFileNames = Object.keys(knownFiles) as KnownFileName[];
