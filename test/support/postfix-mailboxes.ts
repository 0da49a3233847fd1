// Postfix as the end of the way: it takes mail for b.example, refuses some of it as its users do, and keeps the rest in
// mailboxes below a folder of its own.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, freePort, makeFolder, makeOwned, readIfThere, succeed, writeFile } from './other-mta.ts';
import { filesIn } from './recording-queue.ts';

/** No other process is likely to have it. */
const MAIL_USER = 62_006;
const SERVICES = [
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'discard unix - - n - - discard',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'virtual unix - n n - - virtual',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'anvil unix - - n - 1 anvil',
  'postlog unix-dgram n - n - 1 postlogd',
];

/** Octets that a message may have. */
export const SIZE_LIMIT = 1_000_000;

export interface PostfixMailboxes {
  readonly port: number;
  log(): string;
  /** messages of a user of b.example, with LF, one octet a character */
  mailbox(user: string): readonly string[];
}

export interface PostfixOptions {
  /** of b.example; one called `later` is refused for now */
  readonly users: readonly string[];
  /** PEM: STARTTLS is offered */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** further lines of main.cf */
  readonly settings?: readonly string[];
}

export async function startPostfixMailboxes(options: PostfixOptions): Promise<PostfixMailboxes> {
  const folder = makeFolder();
  const port = await freePort();
  const config = join(folder, 'config');
  writeFile(join(config, 'master.cf'), [`127.0.0.1:${port} inet n - n - - smtpd`, ...SERVICES]);
  writeFile(join(config, 'main.cf'), mainCf(folder, options));
  writeFile(
    join(config, 'users'),
    options.users.map((user) => `${user}@b.example ${user}/`),
  );
  writeFile(join(config, 'access'), ['later@b.example 450 4.2.1 come again']);
  if (options.certificate !== undefined) {
    const { cert, key } = options.certificate;
    writeFile(join(config, 'chain.pem'), [key, cert], 0o600);
  }
  mkdirSync(join(folder, 'queue'));
  // Its owner and rights are set by Postfix itself.
  mkdirSync(join(folder, 'data'));
  makeOwned(join(folder, 'mail'), MAIL_USER);
  await succeed('chown', ['postfix', join(folder, 'data')]);
  await succeed('postfix', ['-c', config, 'check']);
  const log = () => readIfThere(join(folder, 'log'));
  const programs = (await succeed('postconf', ['-c', config, '-h', 'daemon_directory'])).trim();
  const daemon = new Daemon(join(programs, 'master'), ['-c', config, '-d']);
  await daemon.listensOn(port, log);
  return {
    port,
    log: () => daemon.output + log(),
    mailbox: (user) => filesIn(join(folder, 'mail', user, 'new')),
  };
}

function mainCf(folder: string, { certificate, settings = [] }: PostfixOptions): readonly string[] {
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${join(folder, 'queue')}`,
    `data_directory = ${join(folder, 'data')}`,
    `maillog_file = ${join(folder, 'log')}`,
    `maillog_file_prefixes = ${folder}`,
    'myhostname = postfix.example',
    'mydestination =',
    'alias_maps =',
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'mynetworks =',
    // Nothing is to be added to messages that lack a field.
    'local_header_rewrite_clients =',
    'smtpd_relay_restrictions = reject_unauth_destination',
    `smtpd_recipient_restrictions = check_recipient_access texthash:${join(folder, 'config', 'access')}`,
    'smtpd_authorized_xclient_hosts = 127.0.0.1',
    'smtpd_peername_lookup = no',
    'smtputf8_enable = yes',
    `message_size_limit = ${SIZE_LIMIT}`,
    'virtual_mailbox_limit = 0',
    'virtual_mailbox_domains = b.example',
    `virtual_mailbox_base = ${join(folder, 'mail')}`,
    `virtual_mailbox_maps = texthash:${join(folder, 'config', 'users')}`,
    `virtual_minimum_uid = ${MAIL_USER}`,
    `virtual_uid_maps = static:${MAIL_USER}`,
    `virtual_gid_maps = static:${MAIL_USER}`,
    ...(certificate === undefined
      ? []
      : ['smtpd_tls_security_level = may', `smtpd_tls_chain_files = ${join(folder, 'config', 'chain.pem')}`]),
    ...settings,
  ];
}
