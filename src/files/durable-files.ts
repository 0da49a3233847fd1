// File operations of those who keep messages on disk. They are an interface so that tests can let any of them fail.
// What costs little is done at once: through the thread pool each call costs more processor time than the work
// itself. Only what waits for the disk (fsync, large writes) goes through the pool.

import * as fs from 'node:fs';
import { promisify } from 'node:util';

/** All of them throw, or reject with, the file system's error. Paths are absolute. */
export interface DurableFiles {
  /** opens a new file for writing; one that is there already is an error */
  create(path: string, mode: number): number;
  setFileMode(fd: number, mode: number): void;
  /** writes without waiting its turn in the pool; gives the octets written, maybe not all */
  writeNow(fd: number, pieces: readonly Buffer[]): number;
  /** the same through the pool */
  write(fd: number, pieces: readonly Buffer[]): Promise<number>;
  sync(fd: number): Promise<void>;
  close(fd: number): void;
  remove(path: string): void;
  makeFolder(path: string, mode: number): void;
  setFolderMode(path: string, mode: number): void;
  /** a folder opened to be synced */
  openFolder(path: string): number;
  /** when it was last read or written, in milliseconds since 1970; null for what is no plain file */
  lastUse(path: string): Promise<number | null>;
}

const writev = promisify(fs.writev);
const NEW_FILE = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL;
const FOLDER = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;

export const durableFiles: DurableFiles = {
  create: (path, mode) => fs.openSync(path, NEW_FILE, mode),
  setFileMode: fs.fchmodSync,
  writeNow: fs.writevSync,
  write: async (fd, pieces) => (await writev(fd, pieces)).bytesWritten,
  sync: promisify(fs.fsync),
  close: fs.closeSync,
  remove: fs.unlinkSync,
  makeFolder: fs.mkdirSync,
  setFolderMode: fs.chmodSync,
  openFolder: (path) => fs.openSync(path, FOLDER),
  async lastUse(path) {
    const stat = await fs.promises.stat(path);
    return stat.isFile() ? Math.max(stat.atimeMs, stat.mtimeMs) : null;
  },
};

/** `ENOSPC` and such; undefined for what is no error of the system. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
