// This server, from source or as an executable, as one process or as a forkserver, with the files of bench/config and
// the plugins of bench/config/plugins.SETUP.

import { access, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeCertificate } from '../certificate.ts';
import { type Launch, type Place, SESSION_LIMIT, type Target } from './target.ts';

const bench = join(import.meta.dirname, '..');

const PATTERN = /^qpsmtpd(?<bin>-bin)?(?::(?<workers>[1-9]\d{0,2}))?(?:@(?<checkout>.+))?$/;

/** How targets of this kind are named: as an executable, with how many workers, and out of which folder. */
export const qpsmtpdForm = 'qpsmtpd[-bin][:WORKERS][@CHECKOUT]';

/**
 * Gives the target that goes by such a name; null when the name is none of ours.
 *
 * @param nodeArgs further arguments for node where it runs from source, such as `--cpu-prof`
 */
export function qpsmtpd(name: string, nodeArgs: readonly string[]): Target | null {
  const asked = PATTERN.exec(name)?.groups;
  if (asked === undefined) return null;
  const { bin, workers, checkout = join(bench, '..') } = asked;
  const program = resolve(checkout, bin === undefined ? 'src/main.ts' : 'dist/qpsmtpd');
  const subcommand = workers === undefined ? ['serve'] : ['forkserver', '--workers', workers];
  return makeTarget(name, program, (options) => {
    const args = [...subcommand, ...options];
    if (bin !== undefined) return { file: program, args };
    return { file: process.execPath, args: [...nodeArgs, program, ...args] };
  });
}

function makeTarget(name: string, program: string, command: (options: readonly string[]) => Launch): Target {
  return {
    name,
    setups: ['plugins', 'bare', 'maildir', 'forward', 'tls', 'tls-rsa'],
    async prepare(place) {
      await access(program).catch(() => {
        throw new Error(`${program} is not there`);
      });
      const store = await writeConfig(place);
      const limits = ['--limit-connections', String(SESSION_LIMIT), '--max-from-ip', String(SESSION_LIMIT)];
      const launch = command([
        ...['--config', join(place.folder, 'config')],
        ...['--listen', `127.0.0.1:${place.port}`],
        ...['--pid-file', join(place.folder, 'pid')],
        ...limits,
      ]);
      return place.setup === 'maildir' ? { ...launch, store: join(store, 'new') } : launch;
    },
  };
}

// The config folder is a copy: it holds paths of this run.
async function writeConfig(place: Place): Promise<string> {
  const { folder, setup, nextPort } = place;
  const config = join(folder, 'config');
  const store = join(folder, 'Maildir');
  await mkdir(config, { recursive: true });
  await mkdir(join(folder, 'spool'), { mode: 0o700 });
  for (const part of ['tmp', 'new', 'cur']) await mkdir(join(store, part), { recursive: true });
  const samples = join(bench, 'config');
  const common = (await readdir(samples)).filter((file) => !file.startsWith('plugins.'));
  await Promise.all(common.map((file) => copyFile(join(samples, file), join(config, file))));
  const certificate = await writeCertificate(place);
  const sample = certificate === null ? setup : 'plugins';
  const plugins = await readFile(join(samples, `plugins.${sample}`), 'utf8');
  const tls = certificate === null ? '' : `tls ${certificate.cert} ${certificate.key}\n`;
  await writeFile(
    join(config, 'plugins'),
    tls + plugins.replaceAll('@MAILDIR@', store).replaceAll('@NEXT_PORT@', String(nextPort)),
  );
  await writeFile(join(config, 'plugin_dirs'), `${join(bench, 'plugins')}\n`);
  await writeFile(join(config, 'spool_dir'), `${join(folder, 'spool')}\n`);
  return store;
}
