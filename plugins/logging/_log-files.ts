// The disk as log files need it: opened for appending, without waiting for anybody, and readable for the group.

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { errorCode } from 'qpsmtpd';

/** The part of node:fs that is needed. */
export interface LogFiles {
  /** For appending, made if it is missing, and without waiting for anybody. */
  open(path: string): number;
  fstat(fd: number): Stats;
  /** null where nothing is there, or nobody may look */
  stat(path: string): Stats | null;
  write(fd: number, bytes: Buffer): number;
  close(fd: number): void;
}

export const nodeLogFiles: LogFiles = {
  open: openOrMake,
  fstat: fstatSync,
  stat(path) {
    try {
      return statSync(path);
    } catch {
      return null;
    }
  },
  write: writeSync,
  close: closeSync,
};

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
// Without O_NONBLOCK, a named pipe that nobody reads would stop the server.
const FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY;
/** Whatever the umask is, which for the sake of mail lets nobody else read. */
const MODE = 0o640;

function openOrMake(path: string): number {
  try {
    return openSync(path, FLAGS);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  try {
    const fd = openSync(path, FLAGS | O_CREAT | O_EXCL, MODE);
    fchmodSync(fd, MODE);
    return fd;
  } catch (error) {
    // Another process was quicker, or it is a link to what is not there.
    if (errorCode(error) !== 'EEXIST') throw error;
    return openSync(path, FLAGS | O_CREAT, MODE);
  }
}
