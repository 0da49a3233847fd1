// Postfix as the end of the way: it takes mail for b.example, refuses some of it as its users do, and keeps the rest in
// mailboxes below a folder of its own.

import { join } from 'node:path';
import { makeOwned, writeFile } from './other-mta.ts';
import { type PostfixFolders, startPostfixInstance } from './postfix-instance.ts';
import { filesIn } from './recording-queue.ts';

/** No other process is likely to have it. */
const MAIL_USER = 62_006;
const SERVICES = [
  'discard unix - - n - - discard',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'virtual unix - n n - - virtual',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'anvil unix - - n - 1 anvil',
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
  const { folder, port, log } = await startPostfixInstance({
    entrance: 'smtpd',
    services: SERVICES,
    settings: (folders) => settingsFor(folders, options),
    prepare: (folders) => writeTables(folders, options),
  });
  return { port, log, mailbox: (user) => filesIn(join(folder, 'mail', user, 'new')) };
}

function writeTables({ folder, config }: PostfixFolders, { users, certificate }: PostfixOptions): void {
  writeFile(
    join(config, 'users'),
    users.map((user) => `${user}@b.example ${user}/`),
  );
  writeFile(join(config, 'access'), ['later@b.example 450 4.2.1 come again']);
  if (certificate !== undefined) {
    writeFile(join(config, 'chain.pem'), [certificate.key, certificate.cert], 0o600);
  }
  makeOwned(join(folder, 'mail'), MAIL_USER);
}

function settingsFor(
  { folder, config }: PostfixFolders,
  { certificate, settings = [] }: PostfixOptions,
): readonly string[] {
  return [
    'mynetworks =',
    // Nothing is to be added to messages that lack a field.
    'local_header_rewrite_clients =',
    'smtpd_relay_restrictions = reject_unauth_destination',
    `smtpd_recipient_restrictions = check_recipient_access texthash:${join(config, 'access')}`,
    'smtpd_authorized_xclient_hosts = 127.0.0.1',
    'smtpd_peername_lookup = no',
    `message_size_limit = ${SIZE_LIMIT}`,
    'virtual_mailbox_limit = 0',
    'virtual_mailbox_domains = b.example',
    `virtual_mailbox_base = ${join(folder, 'mail')}`,
    `virtual_mailbox_maps = texthash:${join(config, 'users')}`,
    `virtual_minimum_uid = ${MAIL_USER}`,
    `virtual_uid_maps = static:${MAIL_USER}`,
    `virtual_gid_maps = static:${MAIL_USER}`,
    ...(certificate === undefined
      ? []
      : ['smtpd_tls_security_level = may', `smtpd_tls_chain_files = ${join(config, 'chain.pem')}`]),
    ...settings,
  ];
}
