// What is said where a log file cannot be written: the error of the system in words, and what to do about it.

import { errorCode } from 'qpsmtpd';
import type { Trouble } from './_log-troubles.ts';

const allow = (path: string) => `let the user of the server write to ${path} and its folder`;

/** What the operator can do, by the error of the system. */
const meanings: Readonly<Record<string, readonly [what: string, hint: (path: string) => string]>> = {
  EACCES: ['permission denied', allow],
  EAGAIN: ['whoever reads this pipe does not keep up', () => 'look what it waits for'],
  EDQUOT: ['the quota is used up', () => 'make room'],
  EFBIG: ['it is as large as a file may be', () => 'move it away, or raise the limit (ulimit -f)'],
  EISDIR: ['it is a folder', () => 'name a file in config/logging'],
  ELOOP: ['its links lead round in a circle', () => 'name the file that is meant'],
  EMFILE: ['too many open files', () => 'raise the limit (ulimit -n)'],
  ENOENT: ['its folder is not there', (path) => `make the folder of ${path}`],
  ENOSPC: ['the disk is full', () => 'make room'],
  ENOTDIR: ['something in its path is no folder', () => 'name another path in config/logging'],
  ENXIO: [
    'nobody reads this pipe, or it is a socket',
    () => 'start whoever is to read the pipe; standard error takes logging/warn',
  ],
  EPERM: ['not permitted', allow],
  EPIPE: ['nobody reads this pipe any more', () => 'start whoever is to read it'],
  EROFS: ['the file system is read-only', () => 'mount it for writing, or name another path'],
};

export function fileTrouble(error: unknown, path: string): Trouble {
  const cause = errorCode(error) ?? 'unknown';
  const [what, hint] = meanings[cause] ?? [error instanceof Error ? error.message : String(error), allow];
  return { cause, what: `${what} (${cause})`, hint: hint(path) };
}
