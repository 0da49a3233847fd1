// Time limits of whatever waits, watched by one sweep instead of a timer each: setting a limit costs an entry
// in a set. Limits are whole seconds, so being late by one sweep does not matter.

import type { Clock } from '../contract/plugin.ts';

export interface Deadline {
  expires: number;
  readonly fire: () => void;
}

const SWEEP_MS = 250;

export class Deadlines {
  readonly #clock: Clock;
  readonly #pending = new Set<Deadline>();
  readonly #everySweep = new Set<(lateMs: number) => void>();
  #timer: NodeJS.Timeout | null = null;
  #expected = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `fire` once when `ms` milliseconds are over, unless `cancel` comes first. */
  set(ms: number, fire: () => void): Deadline {
    const deadline = { expires: this.#clock.monotonic() + ms, fire };
    this.#pending.add(deadline);
    this.#start();
    return deadline;
  }

  cancel(deadline: Deadline): void {
    this.#pending.delete(deadline);
  }

  /** Lets at most `ms` milliseconds pass from now on. */
  shorten(deadline: Deadline, ms: number): void {
    deadline.expires = Math.min(deadline.expires, this.#clock.monotonic() + ms);
  }

  /** how many there are */
  get size(): number {
    return this.#pending.size;
  }

  /** Calls `watch` with each sweep, with the milliseconds by which the sweep came late; gives what ends that. */
  onSweep(watch: (lateMs: number) => void): () => void {
    this.#everySweep.add(watch);
    this.#start();
    return () => void this.#everySweep.delete(watch);
  }

  /** Fires what is due. Called by the timer, and by tests that have set their clock forward. */
  sweep(): void {
    const now = this.#clock.monotonic();
    const late = Math.max(0, now - this.#expected);
    this.#expected = now + SWEEP_MS;
    for (const watch of this.#everySweep) watch(late);
    for (const deadline of this.#pending) {
      if (deadline.expires > now) continue;
      this.#pending.delete(deadline);
      deadline.fire();
    }
    if (this.#pending.size === 0 && this.#everySweep.size === 0) this.stop();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #start(): void {
    if (this.#timer !== null) return;
    this.#expected = this.#clock.monotonic() + SWEEP_MS;
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }
}
