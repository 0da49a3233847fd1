// How this program starts itself: as a worker, in the background, or to take its own place.

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';

/** Where sockets begin in a process that this program starts: behind standard streams and channel. */
export const FIRST_SOCKET = 4;

/** What Linux calls the file that this process runs, even where it has no name any more. */
const RUNNING_FILE = '/proc/self/exe';

/**
 * The executable, or Node with the file that it was started with: as it is on disk now, after an upgrade the new one;
 * where there is none any more, the one that runs.
 */
export function ownProgram(): { readonly command: string; readonly args: readonly string[] } {
  const [, script = ''] = process.argv;
  const command = existsSync(process.execPath) ? process.execPath : RUNNING_FILE;
  return { command, args: isSea() ? [] : [...process.execArgv, script] };
}

/** In the folder by which this process was called, `.` included: its config/ is the worker's, too. */
export function workerName(command: string): string {
  return isSea() && process.argv0.includes('/') ? `${dirname(process.argv0)}/qpsmtpd` : command;
}
