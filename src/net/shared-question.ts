// One question under way, shared by all who ask it meanwhile. Each of them has a deadline and a signal of its
// own; the question itself ends with its answer, or when nobody waits for it any more.

import { type DnsAnswer, failed, timedOut } from './dns-answer.ts';

export class SharedQuestion<T> {
  readonly #abandoned = new AbortController();
  readonly #waiting = new Set<(answer: DnsAnswer<T>) => void>();
  readonly #onEnd: () => void;

  /** Starts `ask` at once; `onEnd` is called when nobody may join any more. */
  constructor(ask: (signal: AbortSignal) => Promise<DnsAnswer<T>>, onEnd: () => void) {
    this.#onEnd = onEnd;
    ask(this.#abandoned.signal).then(
      (answer) => this.end(answer),
      (error: unknown) => this.end(failed(String(error))),
    );
  }

  /** The answer; 'timeout' after `timeoutMs`, a failure when `signal` aborts. */
  join(timeoutMs: number, signal: AbortSignal | undefined): Promise<DnsAnswer<T>> {
    return new Promise((resolve) => {
      const leave = (answer: DnsAnswer<T>) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(leave);
        resolve(answer);
        if (this.#waiting.size === 0) this.end(answer);
      };
      const onAbort = () => leave(failed('aborted'));
      const timer = setTimeout(() => leave(timedOut), timeoutMs);
      signal?.addEventListener('abort', onAbort);
      this.#waiting.add(leave);
    });
  }

  /** Gives all who wait this answer, and stops asking. */
  end(answer: DnsAnswer<T>): void {
    if (this.#abandoned.signal.aborted) return;
    this.#abandoned.abort();
    this.#onEnd();
    for (const leave of [...this.#waiting]) leave(answer);
  }
}
