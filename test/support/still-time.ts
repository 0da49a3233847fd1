// A clock and its timers for tests: time goes on when the test says so, from one timer to the next.

export const BEGIN = 1_700_000_000_000;

/** Time stands still until nothing else is left to do. */
export class StillTime {
  time: number;
  #timers: { readonly at: number; readonly work: () => void }[] = [];

  constructor(time = BEGIN) {
    this.time = time;
  }

  readonly clock = { now: () => new Date(this.time), monotonic: () => this.time };

  readonly timer = (ms: number, work: () => void) => {
    const timer = { at: this.time + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Goes on to the next timer. */
  next(): void {
    const first = this.#timers.reduce<{ at: number; work: () => void } | null>(
      (best, timer) => (best === null || timer.at < best.at ? timer : best),
      null,
    );
    if (first === null) return;
    this.#timers = this.#timers.filter((timer) => timer !== first);
    this.time = Math.max(this.time, first.at);
    first.work();
  }
}
