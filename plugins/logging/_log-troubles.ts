// What a log tells of itself when it cannot be written: on standard error, as it has no other place. Each cause once a
// minute, when it works again, and how many entries were lost.

import { Seldom } from './_seldom.ts';

export interface TroubleMeans {
  /** name of the plugin line, `logging/file:1` */
  readonly id: string;
  readonly pid: number;
  stderr(line: string): void;
  /** milliseconds that only go forward */
  now(): number;
}

/** Why something cannot be written, and what to do about it. */
export interface Trouble {
  /** tells it from others that are told in their own minute */
  readonly cause: string;
  readonly what: string;
  readonly hint: string;
}

export class Troubles {
  readonly #means: TroubleMeans;
  readonly #seldom: Seldom;
  #lost = 0;
  /** the last that was told is that it fails */
  #isToldFailing = false;

  constructor(means: TroubleMeans) {
    this.#means = means;
    this.#seldom = new Seldom(() => means.now());
  }

  /** Counts entries; they are told with the next thing that is. */
  lost(entries: number): void {
    this.#lost += entries;
  }

  /** @param subject the file or command */
  failed(subject: string, { cause, what, hint }: Trouble): void {
    if (!this.#seldom.isDue(cause)) return;
    this.#isToldFailing = true;
    this.#say(`error, cannot log to ${subject}: ${what}: ${hint}${this.#takeLost('; ', '')}`);
  }

  worksAgain(subject: string): void {
    if (!this.#isToldFailing && (this.#lost === 0 || !this.#seldom.isDue('works'))) return;
    this.#isToldFailing = false;
    this.#say(`logs to ${subject} again${this.#takeLost(', ', ', nothing was lost')}`);
  }

  /** Tells of what was lost and not told yet. */
  end(): void {
    if (this.#lost > 0) this.#say(`error${this.#takeLost(', ', '')}`);
  }

  #takeLost(before: string, nothing: string): string {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost === 0) return nothing;
    return `${before}${lost === 1 ? '1 entry was' : `${lost} entries were`} lost`;
  }

  #say(text: string): void {
    const { pid, id, stderr } = this.#means;
    stderr(`${pid} ${id}: ${text}`);
  }
}
