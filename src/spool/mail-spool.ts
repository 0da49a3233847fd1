// The folder of messages that are taken and not yet delivered. A message whose put() has resolved survives whatever
// happens to the process or the machine: written to tmp, fsync of the file, renamed into queue, fsync of that folder,
// which messages that come together share.

import { dirname, join } from 'node:path';
import type { Clock } from '../contract/plugin.ts';
import { errorCode } from '../files/durable-files.ts';
import { quietly, writeDurably } from '../files/durable-write.ts';
import { FolderSync } from '../files/folder-sync.ts';
import { GivenUp, WriteError } from '../files/write-error.ts';
import { encodeHead } from './entry-format.ts';
import { QueueEntry } from './queue-entry.ts';
import { encodeEnvelope, type QueuedEnvelope } from './queued-envelope.ts';
import type { SpoolFiles } from './spool-files.ts';
import { messageIds, newToken, type Shelf, SpoolPlace } from './spool-place.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export interface NewMessage {
  readonly id: string;
  readonly envelope: QueuedEnvelope;
  /** octets that the pieces have in all */
  readonly size: number;
  readonly pieces: AsyncIterable<readonly Buffer[]> | Iterable<readonly Buffer[]>;
  /** whether the work shall be given up */
  isOver(): boolean;
}

export class MailSpool {
  readonly place: SpoolPlace;
  readonly files: SpoolFiles;
  readonly clock: Clock;
  /** tells what this process has written from what others have */
  readonly token: string;
  readonly newId: () => string;
  readonly #sync: FolderSync;
  /** messages that are in queue, but not yet there for sure */
  readonly #unsettled = new Set<string>();
  #folders: Promise<void> | null = null;

  /** @param dir absolute */
  constructor(dir: string, files: SpoolFiles, clock: Clock, token: string = newToken()) {
    this.place = new SpoolPlace(dir);
    this.files = files;
    this.clock = clock;
    this.token = token;
    this.newId = messageIds(clock, token);
    this.#sync = new FolderSync(files);
  }

  /** Makes the folders that are missing, and waits until they are on disk. @throws WriteError */
  prepare(): Promise<void> {
    this.#folders ??= this.#prepare().catch((error: unknown) => {
      this.#folders = null;
      throw error;
    });
    return this.#folders;
  }

  /** Resolves once the message is safe. @throws WriteError or GivenUp; then it is not there */
  async put(message: NewMessage): Promise<void> {
    const { id, isOver } = message;
    // A report may be made again under its name, and what a crash has left of the first one must not be in the way.
    const tmp = join(this.place.tmp, this.newId());
    const makeFolder = () => {
      this.#folders = null;
      this.#makeFolders();
    };
    await writeDurably(this.files, { path: tmp, mode: FILE_MODE, text: textOf(message), isOver, makeFolder });
    this.#unsettled.add(id);
    try {
      this.#publish(tmp, id, isOver);
      await this.#settle(id);
    } finally {
      this.#unsettled.delete(id);
    }
  }

  /** Whether put() may still take the message back. */
  isUnsettled(id: string): boolean {
    return this.#unsettled.has(id);
  }

  /** Opens a message wherever the operator has put it; null when it is gone. @throws CorruptEntry, file system's error */
  async open(id: string, shelf: Shelf = 'queue'): Promise<QueueEntry | null> {
    try {
      return await QueueEntry.open(this.files, this.place.message(shelf, id), id);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /**
   * Removes a message, which the operator may have put elsewhere meanwhile; false when it is gone already.
   * @throws the file system's error
   */
  async remove(id: string): Promise<boolean> {
    for (const shelf of ['queue', 'hold'] as const) {
      try {
        await this.files.removeLater(this.place.message(shelf, id));
        await this.#sync.sync(this.place.shelf(shelf));
        return true;
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
    }
    return false;
  }

  /** Puts a message on another shelf; false when it is not where it was. @throws the file system's error */
  async move(id: string, from: Shelf, to: Shelf): Promise<boolean> {
    try {
      this.files.rename(this.place.message(from, id), this.place.message(to, id));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
    await Promise.all([from, to].map((shelf) => this.#sync.sync(this.place.shelf(shelf))));
    return true;
  }

  // All at once and without waiting: nothing can come between the question whether it is over and the rename.
  #publish(tmp: string, id: string, isOver: () => boolean): void {
    const path = this.place.message('queue', id);
    try {
      if (isOver()) throw new GivenUp();
      this.files.rename(tmp, path);
    } catch (error) {
      quietly(() => this.files.remove(tmp));
      throw error instanceof GivenUp ? error : new WriteError(path, error);
    }
  }

  async #settle(id: string): Promise<void> {
    const folder = this.place.shelf('queue');
    try {
      await Promise.all([this.#sync.sync(folder), this.prepare()]);
    } catch (error) {
      // The client is told to come again: what is there now would be delivered twice.
      quietly(() => this.files.remove(this.place.message('queue', id)));
      throw error instanceof WriteError ? error : new WriteError(folder, error);
    }
  }

  async #prepare(): Promise<void> {
    const { dir } = this.place;
    try {
      this.#makeFolders();
    } catch (error) {
      throw new WriteError(dir, error);
    }
    const above = [dir];
    for (let path = dirname(dir); path !== above.at(-1); path = dirname(path)) above.push(path);
    await Promise.all(above.map((path) => this.#syncAbove(path)));
  }

  /** That a folder is there does not say that it was synced: who has made it may have been killed. */
  async #syncAbove(path: string): Promise<void> {
    try {
      await this.#sync.sync(path);
    } catch (error) {
      // Far above, not everything can be read, nor has it just been made.
      if (errorCode(error) === 'EACCES' && path !== this.place.dir) return;
      throw new WriteError(path, error);
    }
  }

  #makeFolders(): void {
    this.#makeFolder(this.place.dir);
    for (const folder of this.place.folders) this.#makeFolder(folder);
  }

  #makeFolder(path: string): void {
    try {
      this.files.makeFolder(path, FOLDER_MODE);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EEXIST') return;
      if (code !== 'ENOENT' || dirname(path) === path) throw error;
      this.#makeFolder(dirname(path));
      this.#makeFolder(path);
    }
  }
}

async function* textOf({ envelope, size, pieces }: NewMessage): AsyncIterable<readonly Buffer[]> {
  const written = encodeEnvelope(envelope);
  const head = [encodeHead(written, size), written];
  let sum = 0;
  let isFirst = true;
  for await (const some of pieces) {
    for (const piece of some) sum += piece.length;
    yield isFirst ? [...head, ...some] : some;
    isFirst = false;
  }
  if (isFirst) yield head;
  if (sum !== size) throw new Error(`the message has ${sum} octets in place of ${size}`);
}
