// What the operator hears on standard error of a log that does not get to its daemon: once a minute for each cause.

import { Seldom } from './_seldom.ts';
import type { LinkProblem } from './_syslog-link.ts';

export interface NoticeMeans {
  monotonic(): number;
  say(text: string): void;
}

export class Notices {
  readonly #means: NoticeMeans;
  readonly #seldom: Seldom;
  #lost = 0;
  #isBroken = false;

  constructor(means: NoticeMeans) {
    this.#means = means;
    this.#seldom = new Seldom(() => means.monotonic());
  }

  /** @param next the way that is tried now; null: the entries wait */
  failed(way: string, { what, advice }: LinkProblem, next: string | null): void {
    const cause = `${way}: ${what}`;
    if (!this.#seldom.isDue(cause)) return;
    this.#isBroken = true;
    const then = next === null ? 'they wait, up to 1 MiB of them' : `${next} is tried now`;
    this.#means.say(`error, log entries do not get to syslog by ${cause} (${advice}); ${then}`);
  }

  /** An entry that there is no room for. */
  lost(): void {
    this.#lost++;
    this.#tellLoss();
  }

  /** These are not tried any more. */
  gaveUp(entries: number): void {
    this.#lost += entries;
    this.#sayLoss();
  }

  /** Messages have been taken. */
  works(): void {
    if (this.#lost > 0) this.#tellLoss();
    if (!this.#isBroken || !this.#seldom.isDue('works')) return;
    this.#isBroken = false;
    this.#means.say('syslog takes log entries again');
  }

  /** The server may be about to end: there may be no later minute. @param left entries that were not taken */
  ended(left: number): void {
    if (this.#lost > 0) this.#sayLoss();
    if (left === 0) return;
    this.#means.say(
      `error, log entries that syslog did not take in time: ${left}; they are lost where the server ends now`,
    );
  }

  #tellLoss(): void {
    if (this.#seldom.isDue('lost')) this.#sayLoss();
  }

  #sayLoss(): void {
    this.#means.say(`error, log entries that were lost, as syslog did not take them in time: ${this.#lost}`);
    this.#lost = 0;
  }
}
