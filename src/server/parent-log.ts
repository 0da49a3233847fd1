// What the parent of a forkserver has to log. It loads no plugin, so a worker with logging plugins writes it for it;
// where there is none, it goes to standard error. What a worker may have taken with it into its death is told anew.

import type { LogLevel } from '../contract/codes.ts';

export interface ParentEntry {
  readonly serial: number;
  readonly level: LogLevel;
  readonly text: string;
}

/** A worker that can write. */
export interface Scribe {
  write(entry: ParentEntry): void;
}

/** Where nobody can write them, and standard error leads nowhere. */
const MOST_KEPT = 100;

export class ParentLog<S extends Scribe> {
  readonly #stderr: (level: LogLevel, text: string) => void;
  readonly #isMute: boolean;
  /** with what each has been given and has not confirmed */
  readonly #scribes = new Map<S, ParentEntry[]>();
  #kept: ParentEntry[] = [];
  #serial = 0;

  /** @param isMute standard error leads nowhere, so what is written there is kept for a worker, too */
  constructor(stderr: (level: LogLevel, text: string) => void, isMute: boolean) {
    this.#stderr = stderr;
    this.#isMute = isMute;
  }

  write(level: LogLevel, text: string): void {
    this.#give({ serial: ++this.#serial, level, text });
  }

  enter(scribe: S): void {
    this.#scribes.set(scribe, []);
    for (const entry of this.#kept.splice(0)) this.#give(entry);
  }

  /** All up to this entry is written. */
  confirm(scribe: S, serial: number): void {
    const open = this.#scribes.get(scribe);
    if (open !== undefined)
      this.#scribes.set(
        scribe,
        open.filter((entry) => entry.serial > serial),
      );
  }

  leave(scribe: S): void {
    const open = this.#scribes.get(scribe) ?? [];
    this.#scribes.delete(scribe);
    for (const entry of open) this.#give(entry);
  }

  #give(entry: ParentEntry): void {
    // The youngest: the others may be about to leave.
    const [scribe, open] = [...this.#scribes].at(-1) ?? [];
    if (scribe !== undefined && open !== undefined) {
      open.push(entry);
      scribe.write(entry);
      return;
    }
    this.#stderr(entry.level, entry.text);
    if (this.#isMute) this.#kept = [...this.#kept, entry].slice(-MOST_KEPT);
  }
}
