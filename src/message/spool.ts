// spool_dir: where big messages and the temporary files of plugins live while they are worked on.

import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface SpoolPlace {
  /** config/spool_dir */
  readonly dir: string;
  /** config/spool_perms */
  readonly perms: number;
}

export class Spool {
  readonly dir: string;
  readonly perms: number;
  readonly #pid: number;
  #count = 0;

  constructor(place: SpoolPlace, pid: number) {
    this.dir = place.dir;
    this.perms = place.perms;
    this.#pid = pid;
  }

  /**
   * Makes the folder if it is missing. Gives a warning where it has other permissions than configured.
   * @throws the file system's error
   */
  prepare(): string | null {
    if (mkdirSync(this.dir, { recursive: true }) !== undefined) chmodSync(this.dir, this.perms);
    const found = statSync(this.dir).mode & 0o7777;
    if (found === this.perms) return null;
    const octal = (mode: number) => `0${mode.toString(8)}`;
    return `permissions on spool_dir ${this.dir} are ${octal(found)}, not ${octal(this.perms)}`;
  }

  /** A name nobody else uses: SECONDS:PID:COUNT, as qpsmtpd names them. */
  newPath(now: Date): string {
    return join(this.dir, `${Math.floor(now.getTime() / 1000)}:${this.#pid}:${this.#count++}`);
  }
}
