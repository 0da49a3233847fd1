// Postfix with a configuration and a queue of its own: smtpd, cleanup and the incoming queue. There is no queue
// manager, so that a message stays where its acceptance was made durable, and can be counted there; for the same
// reason in_flow_delay is off, by which cleanup waits for a queue manager that does not keep up.
// Needs root, as Postfix's master does.

import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CertificateFiles, writeCertificate } from '../certificate.ts';
import { DOMAIN, type Target } from './target.ts';

const run = promisify(execFile);
const PROCESS_LIMIT = 100;

export const postfix: Target = {
  name: 'postfix',
  setups: ['plugins', 'bare', 'maildir', 'tls', 'tls-rsa'],
  maxSessions: PROCESS_LIMIT - 5,
  async prepare(place) {
    const { folder, port } = place;
    if (process.getuid?.() !== 0) throw new Error('needs root');
    const config = join(folder, 'config');
    const queue = join(folder, 'queue');
    const data = join(folder, 'data');
    await Promise.all([config, queue, data].map((path) => mkdir(path, { recursive: true })));
    // Its daemons run as its own user and own what they write.
    await chmod(folder, 0o755);
    await run('chown', [(await run('postconf', ['-dh', 'mail_owner'])).stdout.trim(), data]);
    const tls = tlsSettings(await writeCertificate(place));
    await writeFile(join(config, 'main.cf'), mainCf(folder, queue, data) + tls);
    await writeFile(join(config, 'master.cf'), masterCf(port));
    return { file: 'postfix', args: ['-c', config, 'start-fg'], store: join(queue, 'incoming') };
  },
};

function mainCf(folder: string, queue: string, data: string): string {
  return `compatibility_level = 3.6
queue_directory = ${queue}
data_directory = ${data}
maillog_file_prefixes = ${folder}
maillog_file = ${join(folder, 'mail.log')}
myhostname = mail.${DOMAIN}
mydestination = ${DOMAIN}
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
message_size_limit = 50000000
in_flow_delay = 0
default_process_limit = ${PROCESS_LIMIT}
`;
}

function tlsSettings(certificate: CertificateFiles | null): string {
  if (certificate === null) return '';
  return `smtpd_tls_security_level = may
smtpd_tls_cert_file = ${certificate.cert}
smtpd_tls_key_file = ${certificate.key}
`;
}

function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;
}
