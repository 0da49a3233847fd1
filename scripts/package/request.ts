// The command line of the scripts that make packages, and the executable that it asks for.
//   [--arch x64|arm64] [--executable FILE] [--out DIR] [--compression xz|gzip|none] [--version VERSION]

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PackageError, root } from './release.ts';

export interface Request {
  /** in Node's words */
  readonly arch: 'x64' | 'arm64';
  readonly executable: string;
  readonly out: string;
  readonly compression: 'xz' | 'gzip' | 'none';
  /** in place of that of package.json, to try upgrades; null for none */
  readonly version: string | null;
}

export function readRequest(words: readonly string[]): Request {
  const { values } = parseArgs({
    args: [...words],
    options: {
      arch: { type: 'string', default: process.arch },
      executable: { type: 'string' },
      out: { type: 'string', default: join(root, 'dist') },
      compression: { type: 'string', default: 'xz' },
      version: { type: 'string' },
    },
  });
  const { arch, compression } = values;
  if (arch !== 'x64' && arch !== 'arm64') throw new PackageError('--arch is x64 or arm64.');
  if (compression !== 'xz' && compression !== 'gzip' && compression !== 'none') {
    throw new PackageError('--compression is xz, gzip or none.');
  }
  const built = arch === process.arch ? join('dist', 'qpsmtpd') : join('dist', arch, 'qpsmtpd');
  const executable = resolve(values.executable ?? join(root, built));
  if (!existsSync(executable)) throw new PackageError(`There is no ${built}: run "npm run build" first.`);
  const { version = null } = values;
  if (version !== null && !/^\d[\w.]*(?:-[\w.]+)?$/.test(version)) {
    throw new PackageError('--version is such as 2.1.0 or 2.1.0-dev.');
  }
  return { arch, compression, executable, version, out: resolve(values.out) };
}

/** What tells of subcommands and options: an executable for another kind of machine cannot be asked. */
export function speaker({ arch, executable }: Request): string[] {
  return arch === process.arch ? [executable] : [process.execPath, join(root, 'src', 'main.ts')];
}

/** Runs what makes a package, and tells what stops it. */
export async function tellFaults(make: () => Promise<void> | void): Promise<void> {
  try {
    await make();
  } catch (error) {
    console.error(error instanceof PackageError ? error.message : error);
    process.exitCode = 1;
  }
}
