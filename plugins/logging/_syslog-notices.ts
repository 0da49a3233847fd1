// What the operator hears on standard error of a log that does not get to its daemon: once a minute for each cause.

import type { LinkProblem } from './_syslog-link.ts';

const SILENCE_MS = 60_000;
const MOST_CAUSES = 100;

export interface NoticeMeans {
  monotonic(): number;
  say(text: string): void;
}

export class Notices {
  readonly #means: NoticeMeans;
  readonly #saidAt = new Map<string, number>();
  #lost = 0;
  #isBroken = false;

  constructor(means: NoticeMeans) {
    this.#means = means;
  }

  /** @param next the way that is tried now; null: the entries wait */
  failed(way: string, { what, advice }: LinkProblem, next: string | null): void {
    const cause = `${way}: ${what}`;
    if (!this.#isDue(cause)) return;
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
    if (!this.#isBroken || !this.#isDue('works')) return;
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
    if (this.#isDue('lost')) this.#sayLoss();
  }

  #sayLoss(): void {
    this.#means.say(`error, log entries that were lost, as syslog did not take them in time: ${this.#lost}`);
    this.#lost = 0;
  }

  #isDue(cause: string): boolean {
    const now = this.#means.monotonic();
    const last = this.#saidAt.get(cause);
    if (last !== undefined && now - last < SILENCE_MS) return false;
    if (this.#saidAt.size >= MOST_CAUSES) this.#saidAt.clear();
    this.#saidAt.set(cause, now);
    return true;
  }
}
