// The outputs of one logging/file line: made when there is a line for them, flushed once in each turn of the event loop,
// tried again when something was in the way, and closed when they are of no more use. At most 64 are open.

import type { LogOutput } from './_log-output.ts';

const MOST_OPEN = 64;
/** An output that has so much does not wait for the end of the turn. */
const MUCH = 1 << 16;
const IDLE_MS = 60_000;
/** For the last entries of a session. */
const LATE_MS = 1000;
/** For those of clients that the server still has when it was told to go. */
const RETIRED_MS = 10_000;

interface Slot {
  readonly output: LogOutput;
  usedAt: number;
  /** when it is closed, be it idle or not */
  endsAt: number;
}

export interface PoolMeans {
  /** milliseconds that only go forward */
  now(): number;
  /** @param wake asks for a flush */
  make(key: string, wake: () => void): LogOutput;
}

export class OutputPool {
  readonly #means: PoolMeans;
  readonly #slots = new Map<string, Slot>();
  /** with lines that wait */
  readonly #dirty = new Set<Slot>();
  readonly #closings = new Set<Promise<void>>();
  #kept: string | null = null;
  #isScheduled = false;
  #isRetired = false;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = 0;
  #sweptAt = 0;

  constructor(means: PoolMeans) {
    this.#means = means;
  }

  /** Stays open, however idle. @param isAlone the one before it is closed at once */
  keep(key: string, isAlone: boolean): void {
    if (key === this.#kept) return;
    const before = this.#kept;
    this.#kept = key;
    if (before !== null && isAlone) this.#close(before, this.#means.now());
  }

  add(key: string, line: string): void {
    const slot = this.#slot(key);
    slot.output.add(line);
    this.#dirty.add(slot);
    if (this.#isRetired) this.#flush();
    else if (slot.output.size >= MUCH) this.#flushOne(slot, this.#means.now());
    else this.#schedule();
  }

  reopen(key: string): void {
    this.#slots.get(key)?.output.reopen();
  }

  /** It is of no more use, apart from what may still come within a moment. */
  end(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    slot.endsAt = this.#means.now() + LATE_MS;
    this.#arm(LATE_MS);
  }

  /** Hands over all that waits, and closes. What comes after that is handed over at once. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    const now = this.#means.now();
    for (const key of [...this.#slots.keys()]) this.#close(key, now);
    await Promise.all(this.#closings);
  }

  #slot(key: string): Slot {
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const now = this.#means.now();
    if (this.#slots.size >= MOST_OPEN) this.#closeOldest(now);
    const wake = () => {
      this.#dirty.add(slot);
      this.#schedule();
    };
    const output = this.#means.make(key, wake);
    const slot: Slot = { output, usedAt: now, endsAt: Number.POSITIVE_INFINITY };
    this.#slots.set(key, slot);
    return slot;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const now = this.#means.now();
    for (const slot of this.#dirty) this.#flushOne(slot, now);
    this.#sweep(now);
  }

  #flushOne(slot: Slot, now: number): void {
    slot.usedAt = now;
    const wait = slot.output.flush(now);
    if (wait === null) this.#dirty.delete(slot);
    else this.#arm(wait);
  }

  /** Closes what is of no more use, and comes again when the next one will be. */
  #sweep(now: number): void {
    const hasOthers = this.#slots.size > 1 || this.#kept === null || this.#isRetired;
    if (!hasOthers || (now - this.#sweptAt < LATE_MS && this.#timer !== null)) return;
    this.#sweptAt = now;
    let next = Number.POSITIVE_INFINITY;
    for (const [key, slot] of [...this.#slots]) {
      const at = this.#endOf(key, slot);
      if (at <= now) this.#close(key, now);
      else next = Math.min(next, at);
    }
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next - now);
  }

  #endOf(key: string, { usedAt, endsAt }: Slot): number {
    if (this.#isRetired) return usedAt + RETIRED_MS;
    return key === this.#kept ? endsAt : Math.min(endsAt, usedAt + IDLE_MS);
  }

  #closeOldest(now: number): void {
    const others = [...this.#slots].filter(([key]) => key !== this.#kept);
    const [oldest] = others.sort(([, one], [, other]) => one.usedAt - other.usedAt);
    if (oldest !== undefined) this.#close(oldest[0], now);
  }

  #close(key: string, now: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#dirty.delete(slot);
    const closing = slot.output.close(now).finally(() => this.#closings.delete(closing));
    this.#closings.add(closing);
  }

  #arm(ms: number): void {
    const at = this.#means.now() + ms;
    if (this.#timer !== null && this.#timerAt <= at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, ms);
    this.#timer.unref();
  }
}
