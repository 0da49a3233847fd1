// What all packages of one commit have in common: names, version, and the one date that every file in them bears.
// SOURCE_DATE_EPOCH (reproducible-builds.org) goes before the date of the commit.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = dirname(dirname(import.meta.dirname));

/** What stops the making of a package, as a sentence for the person who runs it. */
export class PackageError extends Error {}

export interface Release {
  /** of package.json, such as 2.0.0-dev */
  readonly version: string;
  /** as dpkg and rpm order versions: 2.0.0~dev goes before 2.0.0 */
  readonly packageVersion: string;
  /** seconds since 1970 */
  readonly date: number;
  /** who answers for the package: DEBFULLNAME and DEBEMAIL, as in Debian's own tools */
  readonly maintainer: string;
}

/** @param given a version in place of that of package.json */
export function readRelease(env: NodeJS.ProcessEnv, given: string | null = null): Release {
  const own: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = given ?? own.version;
  const name = env['DEBFULLNAME'] ?? 'qpsmtpd developers';
  const email = env['DEBEMAIL'] ?? 'qpsmtpd@perl.org';
  return {
    version,
    packageVersion: version.replace('-', '~'),
    date: sourceDate(env['SOURCE_DATE_EPOCH']),
    maintainer: `${name} <${email}>`,
  };
}

function sourceDate(given: string | undefined): number {
  if (given !== undefined) {
    if (!/^\d+$/.test(given)) throw new PackageError('SOURCE_DATE_EPOCH is not a number of seconds.');
    return Number(given);
  }
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8', stdio }));
  } catch {
    throw new PackageError('Without git, SOURCE_DATE_EPOCH has to give the date of the sources in seconds.');
  }
}

/** Runs a program that has to succeed. */
export function run(program: string, words: readonly string[], env: NodeJS.ProcessEnv, cwd = root): string {
  try {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    return execFileSync(program, words, { cwd, env, encoding: 'utf8', stdio, maxBuffer: 1 << 26 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new PackageError(`There is no program "${program}" on this machine.`);
    }
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new PackageError(`${program} failed: ${stderr}`);
  }
}
