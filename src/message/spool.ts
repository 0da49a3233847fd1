// spool_dir: where big messages and the temporary files of plugins live while they are worked on.

import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs';
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
   * Makes the folder if it is missing. Gives what is wrong with its owner and its permissions: as in qpsmtpd, that is
   * for the operator to decide.
   *
   * @param uid of the user who serves
   * @throws Error with a sentence for the operator where nothing can be written there
   */
  prepare(uid = process.geteuid?.() ?? 0, access: typeof accessSync = accessSync): string[] {
    this.#make(uid);
    const { mode, uid: owner } = statSync(this.dir);
    const found = mode & 0o7777;
    try {
      access(this.dir, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      if (codeOf(error) === 'EROFS') throw new Error('it lies on a file system that is mounted read-only');
      const what = `it has the permissions ${octal(found)}, and belongs to the user id ${owner}`;
      throw new Error(`${what}: the server, with the user id ${uid}, may not write there; chown it`);
    }
    const warnings: string[] = [];
    if (owner !== uid) {
      warnings.push(
        `spool_dir ${this.dir} belongs to the user id ${owner}, not to ${uid} who serves: chown it`,
      );
    }
    if (!hasPerms(mode, this.perms)) {
      warnings.push(`permissions on spool_dir ${this.dir} are ${octal(found)}, not ${octal(this.perms)}`);
    }
    return warnings;
  }

  #make(uid: number): void {
    try {
      if (mkdirSync(this.dir, { recursive: true }) !== undefined) chmodSync(this.dir, this.perms);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EEXIST' || code === 'ENOTDIR')
        throw new Error('there is a file in its place, or above it');
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
      const command = `install -d -o ${uid} -m ${octal(this.perms)} ${this.dir}`;
      throw new Error(`the server, with the user id ${uid}, may not make it; as root, say "${command}"`);
    }
  }

  /** A name nobody else uses: SECONDS:PID:COUNT, as qpsmtpd names them. */
  newPath(now: Date): string {
    return join(this.dir, `${Math.floor(now.getTime() / 1000)}:${this.#pid}:${this.#count++}`);
  }
}

const SETGID = 0o2000;

/** Whether a folder has these permissions. Setgid, which packages set, gives nobody a right: it may be there unasked. */
export function hasPerms(mode: number, perms: number): boolean {
  const found = mode & 0o7777;
  return found === perms || found === (perms | SETGID);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}
