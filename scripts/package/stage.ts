// Lays the contents of a package out in a folder, for dpkg-deb and rpmbuild: fixed permissions, and one date for all.

import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Entry } from './contents.ts';

export function layOut(entries: readonly Entry[], folder: string, date: number): void {
  // Whatever the umask of the caller: folders are for all to read.
  const umask = process.umask(0o022);
  try {
    for (const { path, mode, content } of entries) put(join(folder, path), mode, content);
    dateAll(folder, date);
  } finally {
    process.umask(umask);
  }
}

function put(path: string, mode: number, content: Entry['content']): void {
  mkdirSync(content === null ? path : dirname(path), { recursive: true });
  if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(path, content);
  else if (content !== null && 'copyOf' in content) copyFileSync(content.copyOf, path);
  if (content !== null && typeof content === 'object' && 'linkTo' in content)
    symlinkSync(content.linkTo, path);
  else chmodSync(path, mode);
}

function dateAll(folder: string, date: number): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    lutimesSync(join(folder, name), date, date);
  }
  lutimesSync(folder, date, date);
}
