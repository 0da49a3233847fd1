// Who fails in one handshake after the other: counted by address for ten minutes, an IPv6 client by its network of 64
// bits. A handshake that succeeds clears the count, for many clients may share an address.

import { type Clock, parseNetwork } from 'qpsmtpd';

const WINDOW_MS = 600_000;
const MOST_ADDRESSES = 10_000;

interface Count {
  failures: number;
  readonly since: number;
}

export class HandshakeFailures {
  readonly #most: number;
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  /** @param most failures that are borne; 0 = any number */
  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  hasTooMany(ip: string): boolean {
    if (this.#counts.size === 0) return false;
    const key = keyOf(ip);
    const count = this.#counts.get(key);
    if (count === undefined) return false;
    if (this.#clock.monotonic() - count.since < WINDOW_MS) return count.failures >= this.#most;
    this.#counts.delete(key);
    return false;
  }

  add(ip: string): void {
    if (this.#most === 0 || isLoopback(ip)) return;
    const key = keyOf(ip);
    const now = this.#clock.monotonic();
    const known = this.#counts.get(key);
    if (known !== undefined && now - known.since < WINDOW_MS) {
      known.failures++;
      return;
    }
    this.#counts.delete(key);
    const [oldest] = this.#counts.size >= MOST_ADDRESSES ? this.#counts.keys() : [];
    if (oldest !== undefined) this.#counts.delete(oldest);
    this.#counts.set(key, { failures: 1, since: now });
  }

  forgive(ip: string): void {
    if (this.#counts.size > 0) this.#counts.delete(keyOf(ip));
  }
}

function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

function keyOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const { words } = parseNetwork(ip.replace(/%.*$/, ''));
  return words.slice(0, 2).join(':');
}
