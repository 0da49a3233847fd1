// The file operations that a spool is built from. They are an interface so that tests can let any of them fail, or
// stop the world between two of them.

import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { type DurableFiles, durableFiles } from '../files/durable-files.ts';

/** All of them throw, or reject with, the file system's error. Paths are absolute. */
export interface SpoolFiles extends DurableFiles {
  /** takes the place of what is there */
  rename(from: string, to: string): void;
  /** opens a file to be read, and written to at its end */
  openEntry(path: string): Promise<number>;
  sizeOf(fd: number): Promise<number>;
  /** so many octets from a place; fewer where the file ends before */
  read(fd: number, length: number, at: number): Promise<Buffer>;
  removeLater(path: string): Promise<void>;
  /** names in a folder as they are read, which may be while others come and go */
  list(folder: string): AsyncIterable<string>;
  /** a small file at once */
  readNow(path: string): string;
  /** sets the time of the last use */
  touch(path: string, time: Date): void;
}

const open = promisify(fs.open);
const fstat = promisify(fs.fstat);
const read = promisify(fs.read);
const ENTRY = fs.constants.O_RDWR | fs.constants.O_APPEND;
const NAMES_AT_ONCE = 1000;

export const spoolFiles: SpoolFiles = {
  ...durableFiles,
  rename: fs.renameSync,
  openEntry: (path) => open(path, ENTRY),
  sizeOf: async (fd) => (await fstat(fd)).size,
  async read(fd, length, at) {
    const buffer = Buffer.allocUnsafe(length);
    let have = 0;
    while (have < length) {
      const { bytesRead } = await read(fd, buffer, have, length - have, at + have);
      if (bytesRead === 0) break;
      have += bytesRead;
    }
    return buffer.subarray(0, have);
  },
  removeLater: fs.promises.unlink,
  async *list(folder) {
    const names = await fs.promises.opendir(folder, { bufferSize: NAMES_AT_ONCE });
    for await (const { name } of names) yield name;
  },
  readNow: (path) => fs.readFileSync(path, 'utf8'),
  touch: (path, time) => fs.utimesSync(path, time, time),
};
