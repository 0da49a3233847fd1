// A log file: opened at its first line and appended to. One write call takes whole lines, so that the processes of a
// forkserver may share a file. Who moves it away, as logrotate does, gets a new one at once, without a signal.

import type { Stats } from 'node:fs';
import { fileTrouble } from './_file-trouble.ts';
import type { LogFiles } from './_log-files.ts';
import { type LogOutput, type Room, WaitingLines } from './_log-output.ts';
import type { Troubles } from './_log-troubles.ts';

// What is written to a file that was moved away is lost where it is compressed at once.
const LOOK_MS = 50;
const RETRY_MS = 1000;
/** A named pipe that is full has room again soon. */
const FULL_PIPE_MS = 50;
/** What a pipe takes whole or not at all (pipe(7), PIPE_BUF). */
const MOST_AT_ONCE = 4096;
const LF = 10;
const NOTHING = Buffer.alloc(0);

interface Opened {
  readonly fd: number;
  readonly stat: Stats;
}

export class AppendedFile implements LogOutput {
  readonly #path: string;
  readonly #files: LogFiles;
  readonly #troubles: Troubles;
  readonly #lines: WaitingLines;
  #opened: Opened | null = null;
  #lookedAt = 0;
  /** what is being written, and how much of it the file has */
  #bytes: Buffer = NOTHING;
  #written = 0;
  /** the room that #bytes keep */
  #room = 0;
  #retryAt = 0;
  #isFailing = false;
  #hasLost = false;

  constructor(path: string, files: LogFiles, room: Room, troubles: Troubles) {
    this.#path = path;
    this.#files = files;
    this.#troubles = troubles;
    this.#lines = new WaitingLines(room, troubles);
  }

  get size(): number {
    return this.#lines.size + this.#bytes.length - this.#written;
  }

  add(line: string): void {
    if (!this.#lines.add(line)) this.#hasLost = true;
  }

  flush(now: number): number | null {
    if (this.size === 0) return null;
    if (now < this.#retryAt) return this.#retryAt - now;
    try {
      this.#write(this.#ready(now));
      this.#succeed();
      return null;
    } catch (error) {
      return this.#fail(error, now);
    }
  }

  reopen(): void {
    if (this.size === 0) this.#close();
    else this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  close(now: number): Promise<void> {
    this.#retryAt = now;
    this.flush(now);
    this.#lines.lose(this.#bytes.toString('latin1', this.#written), this.#room);
    this.#lines.lose(this.#lines.take());
    this.#room = 0;
    this.#bytes = NOTHING;
    this.#written = 0;
    this.#close();
    return Promise.resolve();
  }

  /** The file that has this name now. */
  #ready(now: number): Opened {
    const before = this.#opened;
    if (before !== null && now - this.#lookedAt < LOOK_MS) return before;
    this.#lookedAt = now;
    if (before !== null && isSame(before.stat, this.#files.stat(this.#path))) return before;
    try {
      const opened = this.#open();
      this.#close();
      this.#opened = opened;
      return opened;
    } catch (error) {
      // The file that was moved away is better than none; one that was deleted is none.
      if (before === null || this.#files.fstat(before.fd).nlink === 0) throw error;
      this.#lookedAt = now + RETRY_MS - LOOK_MS;
      this.#isFailing = true;
      const { cause, what, hint } = fileTrouble(error, this.#path);
      const meanwhile = `${hint}; until then it goes on in the file that was moved away`;
      this.#troubles.failed(this.#path, { cause: `new ${cause}`, what, hint: meanwhile });
      return before;
    }
  }

  #open(): Opened {
    const fd = this.#files.open(this.#path);
    return { fd, stat: this.#files.fstat(fd) };
  }

  #write({ fd, stat }: Opened): void {
    const isPipe = stat.isFIFO();
    for (;;) {
      if (this.#written === this.#bytes.length) {
        this.#lines.done(this.#room);
        const text = this.#lines.take();
        this.#room = text.length;
        this.#bytes = Buffer.from(text, 'latin1');
        this.#written = 0;
        if (text === '') return;
      }
      const rest = this.#bytes.subarray(this.#written);
      this.#written += this.#files.write(fd, isPipe ? atomicPart(rest) : rest);
    }
  }

  #succeed(): void {
    this.#retryAt = 0;
    if (!this.#isFailing && !this.#hasLost) return;
    // In the file that was moved away, nothing has changed.
    const there = this.#opened === null || isSame(this.#opened.stat, this.#files.stat(this.#path));
    if (!there) return;
    this.#isFailing = false;
    this.#hasLost = false;
    this.#troubles.worksAgain(this.#path);
  }

  #fail(error: unknown, now: number): number {
    const trouble = fileTrouble(error, this.#path);
    const isFull = trouble.cause === 'EAGAIN';
    if (!isFull) this.#beginLineAnew();
    if (!isFull && !/^(?:ENOSPC|EDQUOT)$/.test(trouble.cause)) this.#close();
    // A reader that is a little late is no trouble.
    if (!isFull || this.#hasLost) {
      this.#isFailing = true;
      this.#troubles.failed(this.#path, trouble);
    }
    const wait = isFull ? FULL_PIPE_MS : RETRY_MS;
    this.#retryAt = now + wait;
    return wait;
  }

  /** Others may write before us: the rest of a line would stand behind theirs. */
  #beginLineAnew(): void {
    if (this.#written === 0 || this.#bytes[this.#written - 1] === LF) return;
    const start = this.#bytes.lastIndexOf(LF, this.#written - 1) + 1;
    this.#bytes = Buffer.concat([Buffer.of(LF), this.#bytes.subarray(start)]);
    this.#written = 0;
  }

  #close(): void {
    if (this.#opened === null) return;
    const { fd } = this.#opened;
    this.#opened = null;
    try {
      this.#files.close(fd);
    } catch {
      // NFS tells here of what it could not write: there is nothing left to write it anew from.
    }
  }
}

function isSame(before: Stats, now: Stats | null): boolean {
  return now !== null && now.ino === before.ino && now.dev === before.dev;
}

/** Lines that a pipe takes at once, so that those of other processes do not come between. */
function atomicPart(bytes: Buffer): Buffer {
  if (bytes.length <= MOST_AT_ONCE) return bytes;
  const end = bytes.lastIndexOf(LF, MOST_AT_ONCE - 1) + 1;
  return end > 0 ? bytes.subarray(0, end) : bytes.subarray(0, MOST_AT_ONCE);
}
