// Packages for tests, made quickly of the executables in dist/, and the programs that it takes.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export interface Making {
  /** in place of that of package.json */
  readonly version?: string;
  /** in Node's words; without it, that of this machine */
  readonly arch?: 'x64' | 'arm64';
  /** without it none, which is quick */
  readonly compression?: 'gzip' | 'none';
}

/** Where the executable for a kind of machine is built. */
export const executableFor = (arch: NonNullable<Making['arch']>) =>
  join(root, 'dist', ...(arch === process.arch ? [] : [arch]), 'qpsmtpd');

/** Why there is nothing to make a package of, for node:test; false where there is. */
export const notBuilt = (arch: NonNullable<Making['arch']>): string | false =>
  existsSync(executableFor(arch)) ? false : `needs the executable for ${arch} (see docs/INSTALLING.md)`;

/** Which of these are not on this machine, as a reason to skip; false where all are. */
export function missingPrograms(...programs: readonly string[]): string | false {
  const missing = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  return missing.length > 0 ? `needs ${missing.join(', ')}` : false;
}

/** Makes a package and gives its file. */
export function makePackage(kind: 'deb' | 'rpm', out: string, making: Making = {}): string {
  const { version, arch, compression = 'none' } = making;
  const words = [join(root, 'scripts', `package-${kind}.ts`), '--compression', compression, '--out', out];
  if (version !== undefined) words.push('--version', version);
  if (arch !== undefined) words.push('--arch', arch);
  const said = execFileSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  return said.slice(0, said.lastIndexOf(': '));
}
