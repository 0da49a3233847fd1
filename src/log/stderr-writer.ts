// Standard error in batches: lines of one turn of the event loop leave in one write. A pipe whose reader
// (multilog, a supervisor) is slow gets them later, and loses lines rather than stop the mail.

import { writeSync } from 'node:fs';

const MOST_WAITING = 1 << 20;
const RETRY_MS = 20;

export class StderrWriter {
  readonly #fd: number;
  #waiting = '';
  #lost = 0;
  #scheduled = false;

  constructor(fd = 2) {
    this.#fd = fd;
  }

  /** @param line without line end */
  write(line: string): void {
    if (this.#waiting.length > MOST_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting += `${line}\n`;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Writes all that waits, now. Call before the process ends. */
  flush(): void {
    this.#scheduled = false;
    if (this.#lost > 0) {
      this.#waiting += `${this.#lost} log lines were lost: standard error did not take them in time\n`;
      this.#lost = 0;
    }
    const bytes = Buffer.from(this.#waiting, 'latin1');
    this.#waiting = '';
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(this.#fd, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#retry(bytes.toString('latin1', at));
        // Nobody reads the log any more: there is no place left to say so.
        return;
      }
    }
  }

  #retry(rest: string): void {
    this.#waiting = rest + this.#waiting;
    this.#scheduled = true;
    setTimeout(() => this.flush(), RETRY_MS).unref();
  }
}
