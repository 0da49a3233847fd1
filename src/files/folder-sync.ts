// Group commit: makes the entries of a folder durable with as few fsync calls as possible. While one call is
// under way, all who need one more wait for the same next one: the running call may have missed their entries.

import { type DurableFiles, errorCode } from './durable-files.ts';

export class FolderSync {
  readonly #files: DurableFiles;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(files: DurableFiles) {
    this.#files = files;
  }

  /**
   * Resolves once all that was entered into the folder before this call is on disk.
   * @throws the file system's error
   */
  sync(folder: string): Promise<void> {
    const waiting = this.#next.get(folder);
    if (waiting !== undefined) return waiting;
    const running = this.#running.get(folder);
    if (running === undefined) return this.#start(folder);
    const start = () => {
      this.#next.delete(folder);
      return this.#start(folder);
    };
    const next = running.then(start, start);
    this.#next.set(folder, next);
    return next;
  }

  #start(folder: string): Promise<void> {
    const run = this.#syncNow(folder).finally(() => this.#running.delete(folder));
    this.#running.set(folder, run);
    return run;
  }

  async #syncNow(folder: string): Promise<void> {
    const fd = this.#files.openFolder(folder);
    try {
      await this.#files.sync(fd);
    } catch (error) {
      // The answer of file systems that keep folders safe in their own way, some network ones among them.
      if (errorCode(error) !== 'EINVAL') throw error;
    } finally {
      this.#files.close(fd);
    }
  }
}
