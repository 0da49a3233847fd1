// Exim in a root folder of its own (.ci/mail-servers), which hands all mail to the server under test. It speaks
// BDAT and PRDR where they are offered.

import { join } from 'node:path';
import { freePort } from './free-port.ts';
import {
  copyOf,
  Daemon,
  makeOwned,
  NEXT_HOP,
  type NextHop,
  type OtherMta,
  readIfThere,
  succeed,
  writeFile,
} from './other-mta.ts';

const EXIM = '/usr/sbin/exim4';
// Where Debian's build looks first; with -C it would not trust itself.
const CONFIG = '/etc/exim4/exim4.conf';
const CA = '/etc/exim4/ca.pem';
const LOG = '/var/log/exim/main';
/** as in .ci/mail-servers */
const USER = 62_001;

export async function startExim(next: NextHop): Promise<OtherMta> {
  const folder = await copyOf('exim');
  const port = await freePort();
  writeFile(join(folder, CONFIG), configLines(port, next));
  if (next.ca !== undefined) writeFile(join(folder, CA), [next.ca]);
  for (const place of ['/var/spool/exim', '/var/log/exim']) makeOwned(join(folder, place), USER);
  const log = () => readIfThere(join(folder, LOG));
  // In the foreground, one queue run now and then is ours to ask for.
  const daemon = new Daemon('chroot', [folder, EXIM, '-bdf']);
  await daemon.listensOn(port, log);
  return {
    port,
    log: () => daemon.output + log(),
    retry: async () => void (await succeed('chroot', [folder, EXIM, '-qff'])),
  };
}

function configLines(port: number, next: NextHop): readonly string[] {
  const { login, ca } = next;
  return [
    'primary_hostname = exim.example',
    'qualify_domain = exim.example',
    'spool_directory = /var/spool/exim',
    'log_file_path = /var/log/exim/%s',
    'local_interfaces = 127.0.0.1',
    `daemon_smtp_ports = ${port}`,
    'keep_environment =',
    'add_environment = PATH=/usr/bin',
    'tls_advertise_hosts =',
    'smtputf8_advertise_hosts = *',
    'dsn_advertise_hosts = *',
    'rfc1413_query_timeout = 0s',
    'acl_smtp_rcpt = accept',
    'acl_smtp_data = accept',
    'begin routers',
    'all:',
    '  driver = manualroute',
    '  domains = *',
    `  route_list = * ${NEXT_HOP}::${next.port} byname`,
    '  self = send',
    '  transport = out',
    'begin transports',
    'out:',
    '  driver = smtp',
    '  allow_localhost',
    '  command_timeout = 20s',
    ...(ca === undefined
      ? ['  hosts_avoid_tls = *']
      : ['  hosts_require_tls = *', '  tls_verify_hosts = *', `  tls_verify_certificates = ${CA}`]),
    ...(login === undefined ? [] : ['  hosts_require_auth = *']),
    'begin retry',
    '* * F,1h,1s',
    ...(login === undefined ? [] : authenticator(login)),
  ];
}

function authenticator({ user, password }: { readonly user: string; readonly password: string }) {
  return [
    'begin authenticators',
    'plain:',
    '  driver = plaintext',
    '  public_name = PLAIN',
    `  client_send = ^${user}^${password}`,
  ];
}
