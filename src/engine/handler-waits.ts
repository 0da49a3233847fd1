// Handlers that have given a promise: waited for as long as they are allowed to take, and remembered for a moment
// after, so that the one which holds up the event loop behind an await can be named.

import type { Log } from '../log/log.ts';
import type { Call } from './call.ts';
import type { Deadlines } from './deadlines.ts';
import { Failure } from './outcome.ts';

/** A handler that keeps the event loop for longer than this, in milliseconds, holds up every session. */
export const BLOCKING_MS = 200;
const MOST_NAMED = 5;

export class HandlerWaits {
  readonly #deadlines: Deadlines;
  readonly #log: Log;
  readonly #underWay = new Set<Call>();
  /** the last ones that ended since the last sweep: who blocked the loop has ended by the time it is noticed */
  #ended: Call[] = [];
  readonly #unwatch: () => void;

  constructor(deadlines: Deadlines, log: Log) {
    this.#deadlines = deadlines;
    this.#log = log;
    this.#unwatch = deadlines.onSweep((late) => this.#sweep(late));
  }

  /** What the handler gives, or a Failure when it rejects or takes too long. @param limit milliseconds, 0 = any time */
  wait(call: Call, promise: Promise<unknown>, limit: number): Promise<unknown> {
    return new Promise((resolve) => {
      let over = false;
      const settle = (result: unknown) => {
        if (over) return this.#tellLate(call);
        this.#underWay.delete(call);
        this.#remember(call);
        if (deadline !== null) this.#deadlines.cancel(deadline);
        resolve(result);
      };
      const expire = () => {
        over = true;
        // It may never end: what is remembered of it would stay for ever.
        this.#underWay.delete(call);
        const error = new Error(`no answer within ${limit / 1000} s`);
        call.abort(error);
        resolve(new Failure(error));
      };
      this.#underWay.add(call);
      const deadline = limit === 0 ? null : this.#deadlines.set(limit, expire);
      promise.then(settle, (error) => settle(new Failure(error)));
    });
  }

  /** No more sweeps are needed; what is waited for is still waited for. */
  retire(): void {
    this.#unwatch();
  }

  #remember(call: Call): void {
    if (this.#ended.length >= MOST_NAMED) this.#ended.shift();
    this.#ended.push(call);
  }

  #tellLate(call: Call): void {
    const text = `error, hook ${call.hook} came to an end after its time was up: the result is dropped`;
    this.#log.write('error', text, call);
  }

  #sweep(late: number): void {
    if (late >= BLOCKING_MS) this.#tellBlocked(late);
    this.#ended = [];
  }

  #tellBlocked(late: number): void {
    const names = [...this.#ended.reverse(), ...this.#underWay].map(
      (call) => `${call.plugin} (${call.hook})`,
    );
    if (names.length === 0) return;
    const suspects = [...new Set(names)].slice(0, MOST_NAMED).join(', ');
    this.#log.write(
      'error',
      `error, the event loop was blocked for ${Math.round(late)} ms; suspects: ${suspects}`,
    );
  }
}
