// Writes one new file so that it is on disk, whole, when the promise resolves; and leaves nothing when it fails.

import { type DurableFiles, errorCode } from './durable-files.ts';
import { GivenUp, WriteError } from './write-error.ts';

// Up to this size writing costs less than handing the work to another thread.
const SMALL = 64 * 1024;
const GROUP_AND_OTHERS = 0o077;

export interface NewFile {
  readonly path: string;
  readonly mode: number;
  readonly text: AsyncIterable<readonly Buffer[]>;
  /** called when there is no such folder; then creating the file is tried once more */
  makeFolder(): void;
  /** whether the work shall be given up */
  isOver(): boolean;
}

/** @throws WriteError or GivenUp */
export async function writeDurably(files: DurableFiles, file: NewFile): Promise<void> {
  const { path } = file;
  const fd = create(files, file);
  try {
    await fill(files, fd, file);
  } catch (error) {
    quietly(() => files.close(fd));
    quietly(() => files.remove(path));
    throw error instanceof GivenUp ? error : new WriteError(path, error);
  }
  try {
    files.close(fd);
  } catch (error) {
    quietly(() => files.remove(path));
    throw new WriteError(path, error);
  }
}

/** For what is done on the way out of a failure, which is the one to report. */
export function quietly(act: () => void): void {
  try {
    act();
  } catch {}
}

function create(files: DurableFiles, { path, mode, makeFolder }: NewFile): number {
  try {
    try {
      return files.create(path, mode);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      makeFolder();
      return files.create(path, mode);
    }
  } catch (error) {
    throw new WriteError(path, error);
  }
}

async function fill(files: DurableFiles, fd: number, { mode, text, isOver }: NewFile): Promise<void> {
  // The umask may have taken bits of the group away; those of the owner it leaves alone.
  if ((mode & GROUP_AND_OTHERS) !== 0) files.setFileMode(fd, mode);
  for await (const pieces of text) {
    if (isOver()) throw new GivenUp();
    await appendAll(files, fd, pieces);
  }
  await files.sync(fd);
}

/** Writes all of it: a full disk often shows as a short write, and the next one then gives the error. */
export async function appendAll(files: DurableFiles, fd: number, pieces: readonly Buffer[]): Promise<void> {
  let rest = pieces.filter((piece) => piece.length > 0);
  const isSmall = rest.reduce((sum, piece) => sum + piece.length, 0) <= SMALL;
  while (rest.length > 0) {
    const count = isSmall ? files.writeNow(fd, rest) : await files.write(fd, rest);
    if (count === 0) throw new Error('nothing was written, and no error came');
    rest = withoutFirst(rest, count);
  }
}

function withoutFirst(pieces: readonly Buffer[], count: number): Buffer[] {
  let skip = count;
  const first = pieces.findIndex((piece) => {
    if (skip < piece.length) return true;
    skip -= piece.length;
    return false;
  });
  const [begun, ...rest] = first < 0 ? [] : pieces.slice(first);
  return begun === undefined ? [] : [begun.subarray(skip), ...rest];
}
