// A folder as supervise, runsv and s6-supervise want it, laid out like that of the original: our run scripts, config/,
// and the program as ./qpsmtpd.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programCommand } from './program.ts';
import { makeServerDir } from './server-process.ts';

const shipped = join(import.meta.dirname, '..', '..', 'packaging', 'daemontools');

/**
 * The caller removes it.
 *
 * @param run the name of one of the run scripts that are shipped
 */
export function makeServiceFolder(run: 'run' | 'run.forkserver', config: Record<string, string>): string {
  const dir = makeServerDir({ config });
  mkdirSync(join(dir, 'log'));
  copyFileSync(join(shipped, run), join(dir, 'run'));
  copyFileSync(join(shipped, 'log', 'run'), join(dir, 'log', 'run'));
  install(dir, 'qpsmtpd', '');
  install(dir, 'qpsmtpd-forkserver', 'forkserver');
  return dir;
}

/** The executable by a link, which finds config/ beside it by itself; a script where the program runs from source. */
function install(dir: string, name: string, subcommand: string): void {
  const { command, args } = programCommand();
  const file = join(dir, name);
  if (args.length === 0) {
    symlinkSync(command, file);
    return;
  }
  const words = [command, ...args].map((word) => `'${word}'`).join(' ');
  writeFileSync(
    file,
    `#!/bin/sh\nQPSMTPD_CONFIG='${dir}/config'\nexport QPSMTPD_CONFIG\nexec ${words} ${subcommand} "$@"\n`,
  );
  chmodSync(file, 0o755);
}
