// Messages on their way to a syslog daemon: those of one turn of the event loop leave together, those that a daemon has
// not taken go to the next way or wait for it. What waits is limited: a log must not stop the mail.

import {
  CLOSE_MS,
  type LinkOwner,
  type LinkProblem,
  type SyslogLink,
  type SyslogWay,
} from './_syslog-link.ts';
import type { SyslogMessage } from './_syslog-message.ts';
import type { Notices } from './_syslog-notices.ts';

const MOST_WAITING = 1 << 20;
/** a message beside its text, roughly */
const OVERHEAD = 100;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;
/** a link that lived that long was a good one */
const GOOD_MS = 30_000;
/** Whoever has retired has little to say: its link is closed when that long nothing came. */
const LINGER_MS = 5000;
/** It tries no longer than that to get rid of what it has: each reload may leave one behind. */
const RETIRED_MS = 300_000;

export interface WriterMeans {
  /** in the order in which they are tried */
  readonly ways: readonly SyslogWay[];
  readonly notices: Notices;
  /** milliseconds that only go forward */
  monotonic(): number;
}

export class SyslogWriter {
  readonly #means: WriterMeans;
  #waiting: SyslogMessage[] = [];
  /** given to the link, which has not said that they are taken */
  #sent: SyslogMessage[] = [];
  #bytes = 0;
  #link: SyslogLink | null = null;
  #openedAt = 0;
  /** index of the way to try next, or that is in use */
  #way = 0;
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | null = null;
  #linger: NodeJS.Timeout | null = null;
  #isScheduled = false;
  #hasBegun = false;
  #retiredAt: number | null = null;
  /** told when nothing is left to be taken */
  #onEmpty: (() => void) | null = null;

  constructor(means: WriterMeans) {
    this.#means = means;
  }

  /** Until then messages wait: what is opened before has the rights of whoever starts the server. */
  begin(): void {
    this.#hasBegun = true;
    this.#flush();
  }

  add(messages: readonly SyslogMessage[]): void {
    const bytes = sizeOf(messages);
    if (this.#bytes + bytes > MOST_WAITING) {
      this.#means.notices.lost();
      return;
    }
    this.#bytes += bytes;
    this.#waiting.push(...messages);
    if (this.#retiredAt === null) this.#schedule();
    else this.#flush();
  }

  /** Resolves when the daemon has what there is, or does not take it. What comes later is sent all the same. */
  async retire(): Promise<void> {
    this.#hasBegun = true;
    this.#retiredAt = this.#means.monotonic();
    this.#stopRetry();
    this.#flush();
    if (this.#bytes > 0 && this.#retry === null) await this.#emptied();
    this.#means.notices.ended(this.#waiting.length + this.#sent.length);
    await this.#close();
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#hasBegun) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#waiting.length === 0 || !this.#hasBegun || this.#retry !== null) return;
    this.#link ??= this.#open();
    if (this.#link === null) return;
    const messages = this.#waiting;
    this.#waiting = [];
    this.#sent.push(...messages);
    this.#link.send(messages);
  }

  /** null when that way cannot be gone, which is told later. */
  #open(): SyslogLink | null {
    const way = this.#means.ways[this.#way];
    if (way === undefined) return null;
    this.#openedAt = this.#means.monotonic();
    const owner: LinkOwner = {
      taken: (count) => this.#taken(count),
      failed: (problem) => this.#failed(way, problem),
    };
    try {
      return way.open(owner);
    } catch (error) {
      // No descriptors, no memory: the next turn is soon enough.
      const what = error instanceof Error ? error.message : String(error);
      this.#retryLater();
      this.#means.notices.failed(way.name, { what, advice: 'it is tried again' }, null);
      return null;
    }
  }

  #taken(count: number): void {
    this.#bytes -= sizeOf(this.#sent.splice(0, count));
    this.#means.notices.works();
    if (this.#bytes > 0) return;
    this.#onEmpty?.();
    if (this.#retiredAt !== null && this.#onEmpty === null) this.#closeSoon();
  }

  #failed(way: SyslogWay, problem: LinkProblem): void {
    const { ways, notices, monotonic } = this.#means;
    this.#forgetLink();
    const wasGood = monotonic() - this.#openedAt > GOOD_MS;
    this.#way = wasGood ? 0 : (this.#way + 1) % ways.length;
    if (wasGood) this.#retryMs = FIRST_RETRY_MS;
    const next = wasGood || this.#way > 0 ? ways[this.#way] : undefined;
    notices.failed(way.name, problem, next?.name ?? null);
    if (next === undefined) this.#retryLater();
    else this.#flush();
  }

  /** What the link has not taken goes first by the next one. */
  #forgetLink(): void {
    this.#link = null;
    this.#waiting = [...this.#sent, ...this.#waiting];
    this.#sent = [];
  }

  #retryLater(): void {
    // Whoever ends does not wait for a daemon that is not there.
    this.#onEmpty?.();
    if (this.#retiredAt !== null && this.#means.monotonic() - this.#retiredAt >= RETIRED_MS) {
      this.#giveUp();
      return;
    }
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#flush();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  #giveUp(): void {
    this.#means.notices.gaveUp(this.#waiting.length);
    this.#waiting = [];
    this.#bytes = 0;
  }

  #stopRetry(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  /** Resolves at the latest after CLOSE_MS. */
  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(late);
        this.#onEmpty = null;
        resolve();
      };
      const late = setTimeout(settle, CLOSE_MS);
      this.#onEmpty = settle;
    });
  }

  #closeSoon(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = setTimeout(() => {
      if (this.#bytes === 0) void this.#close();
    }, LINGER_MS);
    this.#linger.unref();
  }

  async #close(): Promise<void> {
    const link = this.#link;
    const isDone = this.#sent.length === 0;
    this.#forgetLink();
    if (isDone) await link?.close();
    else link?.abandon();
  }
}

function sizeOf(messages: readonly SyslogMessage[]): number {
  return messages.reduce((sum, { text }) => sum + text.length + OVERHEAD, 0);
}
