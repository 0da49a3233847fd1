// When the command of a plugin line may be started: not again and again where it dies at once, and not for each of
// thousands of sessions at the same time.

const MOST_RUNNING = 64;
const LIVED_MS = 60_000;
const FIRST_MS = 1000;
const MOST_MS = 60_000;
const CROWDED_MS = 1000;

export class CommandStarts {
  #running = 0;
  #pauseMs = 0;
  #notBefore = 0;

  get isCrowded(): boolean {
    return this.#running >= MOST_RUNNING;
  }

  /** Milliseconds until one may be started; 0 = now. */
  waitMs(now: number): number {
    return Math.max(this.isCrowded ? CROWDED_MS : 0, this.#notBefore - now, 0);
  }

  begun(): void {
    this.#running++;
  }

  ended(): void {
    this.#running--;
  }

  /** It has died by itself, or could not be started. @param livedMs how long it has run */
  failed(now: number, livedMs: number): void {
    this.#pauseMs = livedMs >= LIVED_MS ? FIRST_MS : Math.min(Math.max(this.#pauseMs * 2, FIRST_MS), MOST_MS);
    this.#notBefore = now + this.#pauseMs;
  }
}
