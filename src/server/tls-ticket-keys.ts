// The keys by which TLS sessions are resumed without a server that remembers them (RFC 5077, RFC 8446 section 4.6.1): the
// same in all workers and over reloads. Others come every twelve hours, and from those nobody can go back to the ones
// before: who steals the keys of a server can read no session of an earlier time with them.

import { hkdfSync, randomBytes } from 'node:crypto';

const LIFE_MS = 12 * 3600 * 1000;

/** What another process needs to have the same keys from now on. A secret: not for logs, arguments or environments. */
export interface TicketSeed {
  /** in hexadecimal digits */
  readonly seed: string;
  /** milliseconds since these keys came into use */
  readonly age: number;
}

export class TicketKeys {
  readonly #now: () => number;
  #seed: Buffer;
  #since: number;
  #keys: Buffer;

  /** @param now milliseconds of a clock that only goes forward @param given by another process of this server */
  constructor(now: () => number, given: TicketSeed | null = null) {
    this.#now = now;
    this.#seed = given === null ? randomBytes(32) : Buffer.from(given.seed, 'hex');
    this.#since = now() - (given?.age ?? 0);
    this.#keys = derive(this.#seed, 'keys', 48);
  }

  /** In the form of `ticketKeys` of node:tls; the same Buffer as long as they are the same keys. */
  get current(): Buffer {
    this.#goOn();
    return this.#keys;
  }

  /** For a worker that begins. */
  get share(): TicketSeed {
    this.#goOn();
    return { seed: this.#seed.toString('hex'), age: this.#now() - this.#since };
  }

  #goOn(): void {
    const steps = Math.floor((this.#now() - this.#since) / LIFE_MS);
    if (steps < 1) return;
    for (let step = 0; step < steps; step++) {
      const next = derive(this.#seed, 'next', 32);
      this.#seed.fill(0);
      this.#seed = next;
    }
    this.#since += steps * LIFE_MS;
    // Contexts that were made with the old ones have a copy of their own.
    this.#keys = derive(this.#seed, 'keys', 48);
  }
}

function derive(seed: Buffer, what: string, octets: number): Buffer {
  return Buffer.from(hkdfSync('sha256', seed, '', `qpsmtpd TLS tickets: ${what}`, octets));
}
