// Installs the npm packages of the peers into bench/peers/node_modules when a target needs them. They are a
// package of their own, so that an install of the project stays small.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'peers');

/** @throws Error when npm fails */
export function installPeers(): void {
  if (isInstalled()) return;
  console.error('bench: installing the peers into bench/peers (once)');
  execFileSync('npm', ['ci', '--prefix', folder, '--include=dev', '--omit=optional', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

// npm writes its own copy of the lock file when an install is complete.
function isInstalled(): boolean {
  const wanted = versions(join(folder, 'package-lock.json'));
  const present = versions(join(folder, 'node_modules/.package-lock.json'));
  return ['Haraka', 'smtp-server'].every((name) => {
    const version = wanted.get(name);
    return version !== undefined && version === present.get(name);
  });
}

function versions(lockFile: string): ReadonlyMap<string, string> {
  try {
    const lock: { packages?: Record<string, { version?: string }> } = JSON.parse(
      readFileSync(lockFile, 'utf8'),
    );
    return new Map(
      Object.entries(lock.packages ?? {}).map(([path, { version = '' }]) => [
        path.replace(/^node_modules\//, ''),
        version,
      ]),
    );
  } catch {
    return new Map();
  }
}
