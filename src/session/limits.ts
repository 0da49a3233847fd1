// What one client may cost: how long it is waited for, how much it may get wrong. Under stress, when most places of
// the server are taken, that is less, so that the clients who have mail get a place (as Postfix does it).

import type { Engine } from '../engine/engine.ts';

/** How busy the server is. */
export interface Load {
  /** most places are taken */
  readonly isStressed: boolean;
}

/** Milliseconds that a client may be silent for under stress. */
export const STRESSED_SILENCE = 10_000;
const STRESSED_ERRORS = 3;
const STRESSED_COMMANDS_WITHOUT_MAIL = 20;
const STRESSED_LOGIN_FAILURES = 1;

const CALM: Load = { isStressed: false };

export class SessionLimits {
  load: Load = CALM;
  readonly #engine: Engine;
  readonly #begun: number;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#begun = this.now();
  }

  /** Milliseconds that only go forward. */
  now(): number {
    return this.#engine.world.clock.monotonic();
  }

  /** For how many milliseconds something is still waited for that is waited for since `since`; below 1: no more. */
  patience(since: number, now: number): number {
    const { store } = this.#engine;
    const silence = (store.value('timeoutsmtpd') ?? store.value('timeout')) * 1000;
    const left = since + (this.load.isStressed ? Math.min(silence, STRESSED_SILENCE) : silence) - now;
    return Math.min(left, this.#sessionTime() - (now - this.#begun));
  }

  /** The client has been here for as long as anybody may. */
  get isOver(): boolean {
    return this.now() - this.#begun >= this.#sessionTime();
  }

  /** refused commands */
  get errors(): number {
    return this.#lowered(this.#engine.store.value('max_errors') || Number.POSITIVE_INFINITY, STRESSED_ERRORS);
  }

  get commandsWithoutMail(): number {
    const most = this.#engine.store.value('max_commands_without_mail');
    return this.#lowered(most, STRESSED_COMMANDS_WITHOUT_MAIL);
  }

  get loginFailures(): number {
    return this.#lowered(this.#engine.store.value('max_login_failures'), STRESSED_LOGIN_FAILURES);
  }

  /** octets a second of a message, on average; 0 = any */
  get transferRate(): number {
    return this.#engine.store.value('min_transfer_rate');
  }

  #sessionTime(): number {
    const seconds = this.#engine.store.value('max_session_time');
    return seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
  }

  #lowered(most: number, stressed: number): number {
    return this.load.isStressed ? Math.min(most, stressed) : most;
  }
}
