// The command line of the scripts that make packages, and the executable that it asks for.
//   [--arch x64|arm64] [--executable FILE] [--out DIR] [--compression xz|gzip|none] [--work DIR]

import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PackageError, root } from './release.ts';

export interface Request {
  /** in Node's words */
  readonly arch: 'x64' | 'arm64';
  readonly executable: string;
  readonly out: string;
  readonly compression: 'xz' | 'gzip' | 'none';
}

export function readRequest(words: readonly string[]): Request {
  const { values } = parseArgs({
    args: [...words],
    options: {
      arch: { type: 'string', default: process.arch },
      executable: { type: 'string' },
      out: { type: 'string', default: join(root, 'dist') },
      compression: { type: 'string', default: 'xz' },
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
  return { arch, compression, executable, out: isAbsolute(values.out) ? values.out : resolve(values.out) };
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
