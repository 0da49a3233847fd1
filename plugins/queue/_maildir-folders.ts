// Makes Maildirs (cur, new, tmp and what is above them) and removes what crashed deliveries have left in tmp.

import { dirname, join } from 'node:path';
import type { FolderSync } from './_folder-sync.ts';
import { errorCode, type MaildirFiles } from './_maildir-files.ts';

// maildir(5): a file in tmp that nobody has touched for so long will not be delivered any more.
const STALE_MS = 36 * 3600 * 1000;

export class MaildirFolders {
  readonly #files: MaildirFiles;
  readonly #sync: FolderSync;
  readonly #mode: number;
  /** by Maildir, the folders that got new entries and are not synced yet */
  readonly #unsynced = new Map<string, Set<string>>();

  constructor(files: MaildirFiles, sync: FolderSync, mode: number) {
    this.#files = files;
    this.#sync = sync;
    this.#mode = mode;
  }

  /**
   * Makes the folders that are missing; settle() makes them durable. tmp comes last: where it is, the others are.
   * @throws the file system's error
   */
  make(maildir: string): void {
    for (const name of ['cur', 'new', 'tmp']) this.#makePath(join(maildir, name), maildir);
  }

  /** Waits until folders made here, for this delivery or another, are on disk. @throws the file system's error */
  async settle(maildir: string): Promise<void> {
    const holders = this.#unsynced.get(maildir);
    if (holders === undefined) return;
    await Promise.all([...holders].map((holder) => this.#sync.sync(holder)));
    this.#unsynced.delete(maildir);
  }

  /** Removes what has lain in tmp for more than 36 hours, as far as that can be done. */
  async removeStale(maildir: string, now: Date): Promise<void> {
    const tmp = join(maildir, 'tmp');
    for (const name of await this.#files.list(tmp)) {
      const path = join(tmp, name);
      // Another process may be quicker; whose the file is, is the file system's to say.
      try {
        const lastUse = await this.#files.lastUse(path);
        if (lastUse !== null && lastUse < now.getTime() - STALE_MS) this.#files.remove(path);
      } catch {}
    }
  }

  #makePath(path: string, maildir: string): void {
    const holder = dirname(path);
    try {
      this.#makeOne(path, maildir);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || holder === path) throw error;
      this.#makePath(holder, maildir);
      this.#makeOne(path, maildir);
    }
  }

  #makeOne(path: string, maildir: string): void {
    try {
      this.#files.makeFolder(path, this.#mode);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return;
      throw error;
    }
    const unsynced = this.#unsynced.get(maildir) ?? new Set();
    this.#unsynced.set(maildir, unsynced.add(dirname(path)));
    // The umask has taken its bits away, and is no plugin's to change: it belongs to the whole process.
    this.#files.setFolderMode(path, this.#mode);
  }
}
