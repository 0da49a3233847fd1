// Haraka with its own defaults: one process, log level info to a file. Every recipient is taken, its own plugin
// queue/discard throws messages away, or queue/smtp_forward hands them on.

import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeCertificate } from '../certificate.ts';
import { DOMAIN, type Place, type Target } from './target.ts';

const peers = join(import.meta.dirname, '../peers');

export const haraka: Target = {
  name: 'haraka',
  setups: ['plugins', 'bare', 'forward', 'tls', 'tls-rsa'],
  needsPeers: true,
  async prepare(place) {
    const { folder, port, setup, nextPort } = place;
    const config = join(folder, 'config');
    await cp(join(peers, 'node_modules/Haraka/config'), config, { recursive: true });
    await mkdir(join(folder, 'plugins'));
    await writeFile(join(config, 'smtp.ini'), `listen=127.0.0.1:${port}\n`);
    const queue = setup === 'forward' ? 'queue/smtp_forward' : 'queue/discard';
    await writeFile(join(config, 'smtp_forward.ini'), `host=127.0.0.1\nport=${nextPort}\n`);
    await writeFile(join(config, 'me'), `${DOMAIN}\n`);
    const tls = await prepareTls(place, config);
    await writeFile(join(config, 'plugins'), `${tls}bench_accept\n${queue}\n`);
    await copyFile(join(peers, 'haraka-accept.cjs'), join(folder, 'plugins/bench_accept.js'));
    return {
      file: process.execPath,
      args: [join(peers, 'node_modules/Haraka/bin/haraka'), '-c', folder],
      env: { YES_REALLY_DO_DISCARD: '1' },
    };
  },
};

/** Gives the line of config/plugins. */
async function prepareTls(place: Place, config: string): Promise<string> {
  const certificate = await writeCertificate(place);
  if (certificate === null) return '';
  await copyFile(certificate.cert, join(config, 'tls_cert.pem'));
  await copyFile(certificate.key, join(config, 'tls_key.pem'));
  // Without it, Haraka begins with making one, which takes a while.
  const group = ['-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048'];
  await promisify(execFile)('openssl', ['genpkey', ...group, '-out', join(config, 'dhparams.pem')]);
  return 'tls\n';
}
