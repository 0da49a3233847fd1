// Haraka with its own defaults: one process, log level info to a file. Every recipient is taken, its own plugin
// queue/discard throws messages away.

import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DOMAIN, type Target } from './target.ts';

const peers = join(import.meta.dirname, '../peers');

export const haraka: Target = {
  name: 'haraka',
  setups: ['plugins', 'bare'],
  needsPeers: true,
  async prepare({ folder, port }) {
    const config = join(folder, 'config');
    await cp(join(peers, 'node_modules/Haraka/config'), config, { recursive: true });
    await mkdir(join(folder, 'plugins'));
    await writeFile(join(config, 'smtp.ini'), `listen=127.0.0.1:${port}\n`);
    await writeFile(join(config, 'me'), `${DOMAIN}\n`);
    await writeFile(join(config, 'plugins'), 'bench_accept\nqueue/discard\n');
    await copyFile(join(peers, 'haraka-accept.cjs'), join(folder, 'plugins/bench_accept.js'));
    return {
      file: process.execPath,
      args: [join(peers, 'node_modules/Haraka/bin/haraka'), '-c', folder],
      env: { YES_REALLY_DO_DISCARD: '1' },
    };
  },
};
