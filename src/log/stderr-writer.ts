// Standard error in batches: lines of one turn of the event loop leave in one write. A pipe whose reader
// (multilog, a supervisor) is slow gets them later, and loses lines rather than stop the mail.

import { writeSync } from 'node:fs';
import { escaped } from './log.ts';

const MOST_WAITING = 1 << 20;
const RETRY_MS = 20;
const NOTHING = Buffer.alloc(0);

/** Writes as `fs.writeSync` does; a full pipe throws EAGAIN. */
export type WriteSync = (fd: number, bytes: Buffer) => number;

export class StderrWriter {
  readonly #fd: number;
  readonly #writeSync: WriteSync;
  /** what the pipe has not taken yet */
  #refused: Buffer = NOTHING;
  #waiting = '';
  #lost = 0;
  #scheduled = false;

  constructor(fd = 2, write: WriteSync = writeSync) {
    this.#fd = fd;
    this.#writeSync = write;
  }

  /** @param line without line end; what could forge another line is escaped */
  write(line: string): void {
    if (this.#refused.length + this.#waiting.length > MOST_WAITING) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) this.#reportLoss();
    this.#waiting += `${escaped(line)}\n`;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Writes all that waits, now. Call before the process ends. */
  flush(): void {
    this.#scheduled = false;
    if (!this.#drain() || this.#lost === 0) return;
    this.#reportLoss();
    this.#drain();
  }

  // Not before there is room again: a reader that is stuck would get this line over and over.
  #reportLoss(): void {
    this.#waiting += `${this.#lost} log lines were lost: standard error did not take them in time\n`;
    this.#lost = 0;
  }

  /** Gives false when the pipe is full; the rest then waits for the next try. */
  #drain(): boolean {
    while (this.#refused.length > 0 || this.#waiting !== '') {
      if (this.#refused.length === 0) {
        this.#refused = Buffer.from(this.#waiting, 'latin1');
        this.#waiting = '';
      }
      try {
        this.#refused = this.#refused.subarray(this.#writeSync(this.#fd, this.#refused));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
          this.#retry();
          return false;
        }
        // Nobody reads the log any more: there is no place left to say so.
        this.#refused = NOTHING;
        this.#waiting = '';
      }
    }
    return true;
  }

  #retry(): void {
    this.#scheduled = true;
    setTimeout(() => this.flush(), RETRY_MS).unref();
  }
}
