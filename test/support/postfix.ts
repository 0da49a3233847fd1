// Postfix with configuration, queue and log in a folder of its own, which hands all mail to the server under test by
// SMTP or LMTP.

import { join } from 'node:path';
import { NEXT_HOP, type NextHop, type OtherMta, succeed, writeFile } from './other-mta.ts';
import { type PostfixFolders, startPostfixInstance } from './postfix-instance.ts';
import { run } from './program.ts';

const SERVICES = [
  'pickup unix n - n 60 1 pickup',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'showq unix n - n - - showq',
  'smtp unix - - n - - smtp',
  'lmtp unix - - n - - lmtp',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'scache unix - - n - 1 scache',
];

/** Why a test with Postfix has to be left out; false when it can run. In CI it is not left out because it is missing. */
export async function whyNoPostfix(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'postfix can be run by root alone';
  if (process.env['CI'] === 'true') return false;
  const { code } = await run('sh', ['-c', 'command -v postfix']);
  return code === 0 ? false : 'postfix is not installed';
}

type Next = NextHop & { readonly protocol?: 'smtp' | 'lmtp' };

export async function startPostfix(next: Next): Promise<OtherMta> {
  const { config, port, log } = await startPostfixInstance({
    entrance: 'smtpd',
    services: SERVICES,
    settings: (folders) => settings(folders, next),
    prepare: (folders) => writeTables(folders, next),
  });
  return { port, log, retry: async () => void (await succeed('postqueue', ['-c', config, '-f'])) };
}

function writeTables({ config }: PostfixFolders, { port, ca, login }: Next): void {
  if (ca !== undefined) writeFile(join(config, 'ca.pem'), [ca]);
  if (login === undefined) return;
  writeFile(join(config, 'login'), [`[127.0.0.1]:${port} ${login.user}:${login.password}`], 0o600);
}

function settings({ config }: PostfixFolders, { port, ca, login, protocol = 'smtp' }: Next) {
  const hop = `${protocol}:[127.0.0.1]:${port}`;
  const tls = protocol === 'smtp' ? 'smtp' : 'lmtp';
  return [
    'local_recipient_maps =',
    'mynetworks = 127.0.0.0/8',
    'smtpd_relay_restrictions = permit_mynetworks, reject',
    `default_transport = ${hop}`,
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
          `${tls}_tls_CAfile = ${join(config, 'ca.pem')}`,
        ]),
    ...(login === undefined
      ? []
      : [
          `${tls}_sasl_auth_enable = yes`,
          `${tls}_sasl_password_maps = texthash:${join(config, 'login')}`,
          `${tls}_sasl_security_options = noanonymous`,
        ]),
  ];
}
