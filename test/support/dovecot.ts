// Dovecot's LMTP server in a root folder of its own (.ci/mail-servers), with mailboxes for a few users.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { Daemon, makeFolder, makeOwned, readIfThere, succeed, writeFile } from './other-mta.ts';
import { filesIn } from './recording-queue.ts';

/** Users as in .ci/mail-servers; the last one owns the mailboxes. */
const DOVECOT = 62_004;
const MAIL_USER = 62_005;
const CONFIG = '/etc/dovecot/dovecot.conf';
const LOG = '/var/log/dovecot';
const unpacked =
  process.env['QPSMTPD_MAIL_SERVERS'] ??
  join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'mail-servers');

export interface Dovecot {
  /** of LMTP on 127.0.0.1 */
  readonly port: number;
  /** the unix socket of LMTP */
  readonly path: string;
  log(): string;
  /** messages of a user, with LF, one octet a character */
  mailbox(user: string): readonly string[];
}

/** Why a test with Dovecot has to be left out; false when it can run. Never left out in CI. */
export function whyNoDovecot(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (process.getuid?.() !== 0) return 'dovecot can be run by root alone';
  const isThere = existsSync(join(unpacked, 'dovecot', '.complete'));
  return isThere ? false : `dovecot is not there: run .ci/mail-servers ${unpacked}`;
}

/** @param users of b.example; one called `full` has a mailbox that nothing fits into */
export async function startDovecot(users: readonly string[]): Promise<Dovecot> {
  const folder = makeFolder();
  // With owners and rights, which Node's own copying leaves behind.
  await succeed('cp', ['-a', `${join(unpacked, 'dovecot')}/.`, folder]);
  const port = await freePort();
  writeFile(join(folder, CONFIG), configLines(port));
  writeFile(join(folder, '/etc/dovecot/users'), users.map(userLine));
  makeOwned(join(folder, '/mail'), MAIL_USER);
  makeOwned(join(folder, '/run/dovecot'), 0);
  makeOwned(join(folder, '/var/log'), DOVECOT, 0o777);
  makeOwned(join(folder, '/var/lib/dovecot'), 0);
  const log = () => readIfThere(join(folder, LOG));
  const daemon = new Daemon('chroot', [folder, '/usr/sbin/dovecot', '-F', '-c', CONFIG]);
  await daemon.listensOn(port, log);
  return {
    port,
    path: join(folder, 'run', 'dovecot', 'lmtp'),
    log: () => daemon.output + log(),
    mailbox: (user) => filesIn(join(folder, 'mail', user, 'new')),
  };
}

function userLine(user: string): string {
  const quota = user === 'full' ? 'userdb_quota_rule=*:bytes=10' : '';
  return `${user}@b.example:{PLAIN}secret:${MAIL_USER}:${MAIL_USER}::/mail/${user}::${quota}`;
}

function configLines(port: number): readonly string[] {
  return [
    'protocols = lmtp',
    'ssl = no',
    'base_dir = /run/dovecot',
    'state_dir = /var/lib/dovecot',
    `log_path = ${LOG}`,
    'default_login_user = dovenull',
    'default_internal_user = dovecot',
    'hostname = dovecot.example',
    'postmaster_address = postmaster@b.example',
    'mail_location = maildir:~',
    'mail_plugins = quota',
    'first_valid_uid = 1000',
    'recipient_delimiter = +',
    'quota_full_tempfail = no',
    'passdb {',
    '  driver = passwd-file',
    '  args = username_format=%u /etc/dovecot/users',
    '}',
    'userdb {',
    '  driver = passwd-file',
    '  args = username_format=%u /etc/dovecot/users',
    '}',
    'plugin {',
    '  quota = maildir:user',
    '}',
    'service lmtp {',
    '  chroot =',
    '  unix_listener lmtp {',
    '    mode = 0666',
    '  }',
    '  inet_listener lmtp {',
    '    address = 127.0.0.1',
    `    port = ${port}`,
    '  }',
    '}',
    'service stats {',
    '  chroot =',
    '}',
    'service anvil {',
    '  chroot =',
    '}',
  ];
}
