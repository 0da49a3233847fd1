// The keys by which TLS sessions are resumed: the same for all certificates, others after a day. A client whose ticket
// was made with the old ones does a whole handshake.

import { randomBytes } from 'node:crypto';
import type { Clock } from 'qpsmtpd';

const DAY_MS = 86_400_000;

export class TicketKeys {
  readonly #clock: Clock;
  #keys = randomBytes(48);
  #madeAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#madeAt = clock.monotonic();
  }

  get current(): Buffer {
    const now = this.#clock.monotonic();
    if (now - this.#madeAt >= DAY_MS) {
      this.#keys = randomBytes(48);
      this.#madeAt = now;
    }
    return this.#keys;
  }
}
