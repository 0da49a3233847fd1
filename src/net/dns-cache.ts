// Answers kept for their time to live (RFC 1035 7.4, RFC 2308 5). Time is the monotonic clock's, so that setting
// the time of day neither keeps nor drops anything. Failures and timeouts are never kept: the next client asks anew.

import type { Clock } from '../contract/plugin.ts';
import type { DnsAnswer } from './dns-answer.ts';

const DAY = 86_400;
const HOUR = 3600;
const CAPACITY = 10_000;

interface Entry<T> {
  readonly answer: DnsAnswer<T>;
  /** milliseconds of the monotonic clock */
  readonly expires: number;
}

export class DnsCache<T> {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(clock: Clock, capacity = CAPACITY) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The answer as it is now: its `ttl` is what is left of it. */
  get(key: string): DnsAnswer<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const left = entry.expires - this.#clock.monotonic();
    if (left <= 0) {
      this.#entries.delete(key);
      return undefined;
    }
    const { answer } = entry;
    return answer.kind === 'answer' ? { ...answer, ttl: Math.ceil(left / 1000) } : answer;
  }

  /** Keeps an answer for `seconds`: a day at most, an hour when it says that there is nothing. */
  set(key: string, answer: DnsAnswer<T>, seconds: number): void {
    if (answer.kind === 'failure' || answer.kind === 'timeout') return;
    const keep = Math.min(seconds, answer.kind === 'answer' ? DAY : HOUR);
    if (keep <= 0) return;
    // Set anew, a key moves to the young end of the map.
    this.#entries.delete(key);
    this.#entries.set(key, { answer, expires: this.#clock.monotonic() + keep * 1000 });
    if (this.#entries.size <= this.#capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}
