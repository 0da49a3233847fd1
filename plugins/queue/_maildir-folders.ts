// Makes Maildirs (cur, new, tmp and what is above them) and removes what crashed deliveries have left in tmp.

import { dirname, join } from 'node:path';
import { errorCode, type FolderSync, inTurns } from 'qpsmtpd';
import type { MaildirFiles } from './_maildir-files.ts';

// maildir(5): a file in tmp that nobody has touched for so long will not be delivered any more.
const STALE_MS = 36 * 3600 * 1000;
const SYNCERS = 16;
// Names of folders may be made of what clients send. What is forgotten is only synced once more.
const MOST_KNOWN = 50_000;

export class MaildirFolders {
  readonly #files: MaildirFiles;
  readonly #sync: FolderSync;
  readonly #mode: number;
  /**
   * folders whose entries in the folder above are on disk for sure, and Maildirs whose three folders are, too. That
   * one is there says nothing: another delivery, or a process that was killed, may have made it a moment ago.
   */
  readonly #safe = new Set<string>();
  /** folders made here that are not on disk for sure */
  readonly #made = new Set<string>();

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

  /** Waits until the Maildir and all above it is on disk, whoever has made it. @throws the file system's error */
  async settle(maildir: string): Promise<void> {
    if (this.#safe.has(maildir)) return;
    const paths = [maildir];
    for (let path = dirname(maildir); !this.#safe.has(path) && path !== dirname(path); path = dirname(path)) {
      paths.push(path);
    }
    await inTurns([null, ...paths], SYNCERS, (path) =>
      path === null ? this.#sync.sync(maildir) : this.#syncEntry(path),
    );
    for (const path of paths) this.#made.delete(path);
    if (this.#safe.size > MOST_KNOWN) this.#safe.clear();
    for (const path of paths) this.#safe.add(path);
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

  async #syncEntry(path: string): Promise<void> {
    try {
      await this.#sync.sync(dirname(path));
    } catch (error) {
      // What is above the Maildirs may be there for all to pass through and for nobody to read.
      if (errorCode(error) !== 'EACCES' || this.#made.has(path)) throw error;
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
    this.#safe.delete(dirname(path) === maildir ? maildir : path);
    if (dirname(path) !== maildir) this.#made.add(path);
    // The umask has taken its bits away, and is no plugin's to change: it belongs to the whole process.
    this.#files.setFolderMode(path, this.#mode);
  }
}
