// Whether there is somebody to take the log, for check-config: asks the socket, starts nothing.

import { accessSync, constants, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, delimiter, join } from 'node:path';
import type { Checkup } from 'qpsmtpd';
import { GET_LOGGER, NOT_THE_ONE } from './_syslog-logger.ts';
import type { WayName } from './_syslog-names.ts';
import { explain } from './_syslog-problems.ts';

const PATIENCE_MS = 5000;
// Whoever asks may have another PATH: the server has this one, whoever starts it.
const SERVER_PATH = '/usr/bin:/bin';

export interface Checked {
  readonly ways: readonly WayName[];
  /** path of the daemon's socket */
  readonly socket: string;
  /** folders that logger is searched in; those of the server where it is missing */
  readonly path?: string;
}

interface Problem {
  readonly text: string;
  readonly hint: string;
}

/** One way that can be gone is enough; of the network nothing can be said before somebody needs it. */
export async function checkSyslog(checked: Checked, checkup: Checkup): Promise<void> {
  const problems: Problem[] = [];
  for (const way of checked.ways) {
    const problem = await problemOf(way, checked);
    if (problem === null) return;
    problems.push(problem);
  }
  for (const { text, hint } of problems) checkup.error(`no log gets to syslog: ${text}`, hint);
}

async function problemOf(way: WayName, { socket, path = SERVER_PATH }: Checked): Promise<Problem | null> {
  if (way === 'tcp' || way === 'udp') return null;
  const error = await errorOf(socket);
  // What is not of the right kind is there: datagrams, as nearly everywhere.
  if (error !== null && (way === 'stream' || error.code !== 'EPROTOTYPE')) {
    const { what, advice } = explain(error, socket);
    return { text: what, hint: advice };
  }
  return way === 'logger' ? loggerProblem(path) : null;
}

/** Tries to connect a stream; null when that works. */
function errorOf(socket: string): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const attempt = connect(socket);
    const end = (error: NodeJS.ErrnoException | null) => {
      attempt.destroy();
      resolve(error);
    };
    attempt.setTimeout(PATIENCE_MS, () => end(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    attempt.once('error', end);
    attempt.once('connect', () => end(null));
  });
}

function loggerProblem(path: string): Problem | null {
  const found = path.split(delimiter).map((folder) => join(folder, 'logger'));
  const program = found.find(isProgram);
  if (program === undefined)
    return { text: `there is no program logger in ${path.split(delimiter).join(' and ')}`, hint: GET_LOGGER };
  if (basename(realpathSync(program)) !== 'busybox') return null;
  return { text: `${program}: ${NOT_THE_ONE}; it is that of busybox`, hint: GET_LOGGER };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
