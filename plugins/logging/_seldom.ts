// What a log says of its own troubles goes to standard error: each cause once a minute, however often it comes.

const QUIET_MS = 60_000;
/** Causes may have words of the system in them. */
const MOST_CAUSES = 100;

export class Seldom {
  readonly #monotonic: () => number;
  readonly #saidAt = new Map<string, number>();

  /** @param monotonic milliseconds that only go forward */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Whether it may be said now; then it counts as said. */
  isDue(cause: string): boolean {
    const now = this.#monotonic();
    const last = this.#saidAt.get(cause);
    if (last !== undefined && now - last < QUIET_MS) return false;
    if (this.#saidAt.size >= MOST_CAUSES) this.#saidAt.clear();
    this.#saidAt.set(cause, now);
    return true;
  }
}
