// Postfix with configuration, queue and log in a folder of its own, which hands all mail to the server under test by
// SMTP or LMTP.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Daemon,
  freePort,
  makeFolder,
  NEXT_HOP,
  type NextHop,
  type OtherMta,
  readIfThere,
  succeed,
  writeFile,
} from './other-mta.ts';
import { run } from './program.ts';

// What a message passes on its way through; none in a root folder of its own.
const SERVICES = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'showq unix n - n - - showq',
  'smtp unix - - n - - smtp',
  'lmtp unix - - n - - lmtp',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'scache unix - - n - 1 scache',
  'postlog unix-dgram n - n - 1 postlogd',
];

/** Why a test with Postfix has to be left out; false when it can run. In CI it is not left out because it is missing. */
export async function whyNoPostfix(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'postfix can be run by root alone';
  if (process.env['CI'] === 'true') return false;
  const { code } = await run('sh', ['-c', 'command -v postfix']);
  return code === 0 ? false : 'postfix is not installed';
}

export async function startPostfix(
  next: NextHop & { readonly protocol?: 'smtp' | 'lmtp' },
): Promise<OtherMta> {
  const folder = makeFolder();
  const port = await freePort();
  const config = join(folder, 'config');
  writeFile(join(config, 'master.cf'), [`127.0.0.1:${port} inet n - n - - smtpd`, ...SERVICES]);
  writeFile(join(config, 'main.cf'), settings(folder, next));
  if (next.ca !== undefined) writeFile(join(config, 'ca.pem'), [next.ca]);
  if (next.login !== undefined) {
    const { user, password } = next.login;
    writeFile(join(config, 'login'), [`[127.0.0.1]:${next.port} ${user}:${password}`], 0o600);
  }
  mkdirSync(join(folder, 'queue'));
  // Its owner and rights are set by Postfix itself.
  mkdirSync(join(folder, 'data'));
  await succeed('chown', ['postfix', join(folder, 'data')]);
  await succeed('postfix', ['-c', config, 'check']);
  const log = () => readIfThere(join(folder, 'log'));
  const programs = (await succeed('postconf', ['-c', config, '-h', 'daemon_directory'])).trim();
  const daemon = new Daemon(join(programs, 'master'), ['-c', config, '-d']);
  await daemon.listensOn(port, log);
  return {
    port,
    log: () => daemon.output + log(),
    retry: async () => void (await succeed('postqueue', ['-c', config, '-f'])),
  };
}

function settings(
  folder: string,
  { port, ca, login, protocol = 'smtp' }: Parameters<typeof startPostfix>[0],
) {
  const hop = `${protocol}:[127.0.0.1]:${port}`;
  const tls = protocol === 'smtp' ? 'smtp' : 'lmtp';
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${join(folder, 'queue')}`,
    `data_directory = ${join(folder, 'data')}`,
    `maillog_file = ${join(folder, 'log')}`,
    `maillog_file_prefixes = ${folder}`,
    'myhostname = postfix.example',
    'mydestination =',
    'local_recipient_maps =',
    'alias_maps =',
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'mynetworks = 127.0.0.0/8',
    'smtpd_relay_restrictions = permit_mynetworks, reject',
    `default_transport = ${hop}`,
    'smtputf8_enable = yes',
    'message_size_limit = 0',
    'disable_dns_lookups = yes',
    'minimal_backoff_time = 1s',
    'maximal_backoff_time = 1s',
    'queue_run_delay = 1s',
    ...(ca === undefined
      ? []
      : [
          `${tls}_tls_security_level = verify`,
          `${tls}_tls_verify_cert_match = ${NEXT_HOP}`,
          `${tls}_tls_CAfile = ${join(folder, 'config', 'ca.pem')}`,
        ]),
    ...(login === undefined
      ? []
      : [
          `${tls}_sasl_auth_enable = yes`,
          `${tls}_sasl_password_maps = texthash:${join(folder, 'config', 'login')}`,
          `${tls}_sasl_security_options = noanonymous`,
        ]),
  ];
}
