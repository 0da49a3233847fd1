// One process runs a spool at a time: it is named in a file, which it touches as long as it lives. A process that is
// gone for sure (Linux tells) is replaced at once, any other when it has not touched the file for half a minute.

import { join } from 'node:path';
import { errorCode } from '../files/durable-files.ts';
import { quietly } from '../files/durable-write.ts';
import type { MailSpool } from './mail-spool.ts';

export const HEARTBEAT_MS = 5_000;
const STALE_MS = 30_000;

export interface LockOwner {
  readonly pid: number;
  /** what tells the process from another one of the same number; empty where that cannot be known */
  readonly birth: string;
  /** where its number means something: one run of one kernel, one container; empty where that cannot be known */
  readonly realm: string;
  /** what it writes stands under this word */
  readonly token: string;
}

/** What is known of processes. */
export interface Processes {
  readonly pid: number;
  readonly realm: string;
  /** null when there is none with this number */
  birthOf(pid: number): string | null;
}

export class SpoolLock {
  readonly #spool: MailSpool;
  readonly #processes: Processes;
  readonly #self: LockOwner;

  constructor(spool: MailSpool, processes: Processes) {
    this.#spool = spool;
    this.#processes = processes;
    const { pid, realm } = processes;
    this.#self = { pid, birth: processes.birthOf(pid) ?? '', realm, token: spool.token };
  }

  /**
   * Tries to become the one. `unconfirmed`: it has taken the place of one that is gone, and must look a moment later
   * whether it still is the one, since another process may have had the same thought.
   *
   * @throws the file system's error
   */
  async acquire(now: number): Promise<{ state: 'taken' | 'unconfirmed' | 'busy'; gone: LockOwner | null }> {
    if (this.#create()) return { state: 'taken', gone: null };
    const owner = this.owner();
    const lastUse = await this.#spool.files.lastUse(this.#spool.place.lock).catch(() => null);
    if (lastUse === null) return { state: 'busy', gone: null };
    if (this.#isAlive(owner) && lastUse > now - STALE_MS) return { state: 'busy', gone: null };
    this.#replace();
    return { state: 'unconfirmed', gone: owner };
  }

  isMine(): boolean {
    return this.owner()?.token === this.#self.token;
  }

  /** Says that it is still alive. @throws the file system's error */
  touch(now: Date): void {
    this.#spool.files.touch(this.#spool.place.lock, now);
  }

  release(): void {
    if (this.isMine()) quietly(() => this.#spool.files.remove(this.#spool.place.lock));
  }

  /** null where the file is missing, or not written to its end */
  owner(): LockOwner | null {
    try {
      return JSON.parse(this.#spool.files.readNow(this.#spool.place.lock));
    } catch {
      return null;
    }
  }

  #isAlive(owner: LockOwner | null): boolean {
    if (owner === null || owner.realm === '' || owner.realm !== this.#processes.realm) return true;
    return this.#processes.birthOf(owner.pid) === owner.birth;
  }

  #create(): boolean {
    const { files, place } = this.#spool;
    let fd: number;
    try {
      fd = files.create(place.lock, 0o600);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
    this.#write(fd);
    return true;
  }

  #replace(): void {
    const { files, place, token } = this.#spool;
    const own = join(place.tmp, `${token}.lock`);
    quietly(() => files.remove(own));
    this.#write(files.create(own, 0o600));
    files.rename(own, place.lock);
  }

  #write(fd: number): void {
    const { files } = this.#spool;
    try {
      files.writeNow(fd, [Buffer.from(JSON.stringify(this.#self))]);
    } finally {
      files.close(fd);
    }
  }
}
