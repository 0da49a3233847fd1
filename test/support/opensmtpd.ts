// OpenSMTPD in a root folder of its own (.ci/mail-servers), which hands all mail to the server under test.

import { join } from 'node:path';
import { freePort } from './free-port.ts';
import {
  copyOf,
  Daemon,
  makeOwned,
  NEXT_HOP,
  type NextHop,
  type OtherMta,
  succeed,
  writeFile,
} from './other-mta.ts';

const SMTPD = '/usr/sbin/smtpd';
const CONFIG = '/etc/smtpd.conf';
// Where Debian's build looks for the CAs that it trusts.
const CA = '/etc/ssl/certs/ca-certificates.crt';

export async function startOpenSmtpd(next: NextHop): Promise<OtherMta> {
  const folder = await copyOf('opensmtpd');
  const port = await freePort();
  writeFile(join(folder, CONFIG), configLines(port, next));
  writeFile(join(folder, '/etc/mailname'), ['opensmtpd.example']);
  if (next.login !== undefined) {
    const { user, password } = next.login;
    writeFile(join(folder, '/etc/logins'), [`next ${user}:${password}`], 0o640);
  }
  if (next.ca !== undefined) writeFile(join(folder, CA), [next.ca]);
  // Where its processes are shut in, and the queue as it wants it.
  makeOwned(join(folder, '/var/lib/opensmtpd/empty'), 0);
  makeOwned(join(folder, '/var/empty'), 0);
  makeOwned(join(folder, '/var/spool/smtpd'), 0, 0o711);
  const daemon = new Daemon('chroot', [folder, SMTPD, '-d', '-v', '-f', CONFIG]);
  await daemon.listensOn(port, () => '');
  return {
    port,
    log: () => daemon.output,
    retry: async () => void (await succeed('chroot', [folder, '/usr/sbin/smtpctl', 'schedule', 'all'])),
  };
}

function configLines(port: number, { port: nextPort, ca, login }: NextHop): readonly string[] {
  const scheme = ca === undefined ? 'smtp+notls' : 'smtp+tls';
  const host = login === undefined ? `${NEXT_HOP}:${nextPort}` : `next@${NEXT_HOP}:${nextPort}`;
  return [
    ...(login === undefined ? [] : ['table logins file:/etc/logins']),
    `listen on 127.0.0.1 port ${port} hostname opensmtpd.example mask-src`,
    `action "out" relay host "${scheme}://${host}" helo opensmtpd.example${login === undefined ? '' : ' auth <logins>'}`,
    'match from any for any action "out"',
  ];
}
