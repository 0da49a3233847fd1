// Failed logins of all workers, as their parent remembers them for workers that are yet to come: a reload must not
// give those who guess passwords a fresh start. Nobody else hears of all failures, so the parent says who is locked out.

import { LoginGuard } from '../session/login-guard.ts';
import type { LoginFailure } from './worker-messages.ts';

const MOST = 20_000;

interface Noted {
  readonly failure: LoginFailure;
  /** milliseconds of a clock that only goes forward */
  readonly at: number;
}

export class SharedFailures {
  readonly #now: () => number;
  #noted: Noted[] = [];
  readonly #guard = new LoginGuard();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Gives true when it was the one that locks its address out. */
  note(failure: LoginFailure): boolean {
    const at = this.#now() - failure.age;
    this.#noted.push({ failure, at });
    if (this.#noted.length > MOST) this.#makeRoom();
    return this.#guard.noteElsewhere(failure.ip, at, failure.limits);
  }

  #makeRoom(): void {
    this.#forget();
    // Still too many: the older half goes, which makes this cheap.
    if (this.#noted.length > MOST) this.#noted = this.#noted.slice(MOST / 2);
  }

  /** Those that may still count, oldest first. */
  recent(): LoginFailure[] {
    this.#forget();
    return this.#noted.map(({ failure, at }) => ({ ...failure, age: this.#now() - at }));
  }

  #forget(): void {
    // Whoever is locked out was so by a failure within this time, and may fail once more at its end.
    this.#noted = this.#noted.filter(({ failure, at }) => this.#now() - at < 2 * failure.limits.forMs);
  }
}
