// Bounds how many of something run at once: a burst of clients must not become a burst of processes. The rest waits in
// the order it came, as long as somebody waits for it.

export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(width: number) {
    this.#free = width;
  }

  /** Does the work when it is its turn; null when the signal came first. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | null> {
    if (this.#free > 0) this.#free--;
    else if (!(await this.#turn(signal))) return null;
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = () => {
        this.#waiting.delete(go);
        resolve(false);
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  // The turn is handed over, so nobody can overtake.
  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
