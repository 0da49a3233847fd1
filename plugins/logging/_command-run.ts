// One run of a command that reads the log: what it was given and has taken, how it ends, and its last words.

import { type ChildProcess, spawn } from 'node:child_process';

export interface RunEnd {
  /** `ended with 1: sh: 1: pager: not found` */
  readonly how: string;
  /** it ended with 0 */
  readonly isWell: boolean;
  /** what it was given and did not take */
  readonly refused: string;
}

export interface RunMeans {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of what the system has taken for it. */
  taken(octets: number): void;
  /** Called once, when it has ended or is left alone. */
  over(end: RunEnd): void;
  /** Called once, when there is no such process any more. */
  gone(): void;
}

/** From the end of its input to its own. */
const CLOSE_MS = 3000;
/** What it has started in turn may hold its standard error open for ever. */
const LAST_WORDS_MS = 250;
const MOST_WORDS = 300;

export class CommandRun {
  readonly startedAt: number;
  readonly #means: RunMeans;
  readonly #child: ChildProcess | null;
  /** in order */
  #given: string[] = [];
  #words = '';
  #hasExited = false;
  #isOver = false;
  #onOver: () => void = () => {};

  constructor(command: string, startedAt: number, means: RunMeans) {
    this.startedAt = startedAt;
    this.#means = means;
    this.#child = this.#start(command);
  }

  /** It can be given something. */
  get isRunning(): boolean {
    return !this.#hasExited;
  }

  /** It has taken all that it was given. */
  get isIdle(): boolean {
    return this.#given.length === 0;
  }

  give(text: string): void {
    this.#given.push(text);
    // What is refused stays in the list until the end.
    this.#child?.stdin?.write(text, 'latin1', (error) => {
      if (error != null || this.#isOver) return;
      this.#given.shift();
      this.#means.taken(text.length);
    });
  }

  /** Gives it the end of its input. Resolves with whether it ended in time; else it is left alone. */
  finish(): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(true);
    this.#child?.stdin?.end();
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#leave();
        resolve(false);
      }, CLOSE_MS);
      this.#onOver = () => {
        clearTimeout(late);
        resolve(true);
      };
    });
  }

  #start(command: string): ChildProcess | null {
    try {
      // A process group of its own: what ends the server at a terminal does not end it before the last lines.
      const child = spawn('/bin/sh', ['-c', command], {
        env: { ...this.#means.env },
        stdio: ['pipe', 'ignore', 'pipe'],
        detached: true,
      });
      child.stdin.on('error', () => {});
      child.stderr.setEncoding('latin1').on('data', (text: string) => {
        this.#words = (this.#words + text).slice(-MOST_WORDS);
      });
      child.stderr.on('error', () => {});
      child.once('error', (error) => {
        if (child.pid === undefined) this.#notStarted(error);
      });
      child.once('exit', (code, signal) => {
        this.#hasExited = true;
        this.#means.gone();
        const how = code === null ? `was killed by ${signal}` : `ended with ${code}`;
        const end = () => this.#end(how, code === 0);
        const late = setTimeout(end, LAST_WORDS_MS);
        child.once('close', () => {
          clearTimeout(late);
          end();
        });
      });
      return child;
    } catch (error) {
      queueMicrotask(() => this.#notStarted(error));
      return null;
    }
  }

  #notStarted(error: unknown): void {
    this.#means.gone();
    this.#end(`cannot be started: ${error instanceof Error ? error.message : error}`, false);
  }

  #end(how: string, isWell: boolean): void {
    if (this.#isOver) return;
    this.#hasExited = true;
    this.#isOver = true;
    const words = this.#words.trim().replace(/\s+/g, ' ');
    const refused = this.#given.join('');
    this.#given = [];
    this.#drop();
    this.#means.over({ how: words === '' ? how : `${how}: ${words}`, isWell, refused });
    this.#onOver();
  }

  #leave(): void {
    this.#end(`still runs ${CLOSE_MS / 1000} seconds after the end of its input`, false);
    this.#child?.unref();
  }

  #drop(): void {
    this.#child?.stdin?.destroy();
    this.#child?.stderr?.destroy();
  }
}
