// Connections to one server, kept for further messages. A kept connection may have died unnoticed: a message
// that was not sent by it is tried once more by a new one.

import type { Clock } from '../contract/plugin.ts';
import { TimeoutError } from './connecting.ts';
import {
  type ClientSettings,
  type Handover,
  NotSentError,
  type OutgoingMessage,
} from './outgoing-message.ts';
import { Slots } from './slots.ts';
import { SmtpClient } from './smtp-client.ts';

export interface PoolLimits {
  /** connections at a time; further messages wait for one */
  readonly connections: number;
  /** connections that may wait for a message at a time; 0 = each message has a connection of its own */
  readonly idle: number;
  /** milliseconds that one may wait */
  readonly idleMs: number;
  /** messages after which one is closed */
  readonly messages: number;
}

interface Waiting {
  readonly client: SmtpClient;
  readonly since: number;
}

const SWEEP_MS = 1000;

export class SmtpPool {
  readonly #settings: ClientSettings;
  readonly #limits: PoolLimits;
  readonly #clock: Clock;
  readonly #slots: Slots;
  #waiting: Waiting[] = [];
  #sweeper: NodeJS.Timeout | null = null;

  constructor(settings: ClientSettings, limits: PoolLimits, clock: Clock) {
    this.#settings = settings;
    this.#limits = limits;
    this.#clock = clock;
    this.#slots = new Slots(limits.connections);
  }

  /** connections that wait for a message */
  get idle(): number {
    return this.#waiting.length;
  }

  /** As of SmtpClient. @throws NotSentError */
  deliver(message: OutgoingMessage, signal?: AbortSignal): Promise<Handover> {
    return this.#slots.use(() => this.#deliver(message, signal));
  }

  /** Closes what waits. */
  close(): void {
    for (const { client } of this.#waiting.splice(0)) void client.quit();
    this.#stopSweeper();
  }

  async #deliver(message: OutgoingMessage, signal: AbortSignal | undefined): Promise<Handover> {
    if (signal?.aborted) throw new NotSentError('given up');
    const kept = this.#take();
    if (kept !== null) {
      try {
        return await this.#deliverBy(kept, message, signal);
      } catch (error) {
        // A server that is too slow is not asked to be slow again.
        if (!(error instanceof NotSentError) || error.cause instanceof TimeoutError || signal?.aborted) {
          throw error;
        }
      }
    }
    return this.#deliverBy(await SmtpClient.open(this.#settings, signal), message, signal);
  }

  async #deliverBy(client: SmtpClient, message: OutgoingMessage, signal: AbortSignal | undefined) {
    const handover = await client.deliver(message, signal);
    this.#put(client);
    return handover;
  }

  #take(): SmtpClient | null {
    // The one used last is the one most likely to be alive.
    for (let last = this.#waiting.pop(); last !== undefined; last = this.#waiting.pop()) {
      if (last.client.isUsable) return last.client;
      last.client.close();
    }
    return null;
  }

  #put(client: SmtpClient): void {
    const { idle, messages } = this.#limits;
    if (!client.isUsable || this.#waiting.length >= idle || client.messages >= messages) {
      void client.quit();
      return;
    }
    client.rest();
    this.#waiting.push({ client, since: this.#clock.monotonic() });
    this.#sweeper ??= setInterval(() => this.#dropStale(), SWEEP_MS).unref();
  }

  #dropStale(): void {
    const oldest = this.#clock.monotonic() - this.#limits.idleMs;
    const isStale = ({ client, since }: Waiting) => since < oldest || !client.isUsable;
    const stale = this.#waiting.filter(isStale);
    if (stale.length > 0) this.#waiting = this.#waiting.filter((one) => !stale.includes(one));
    for (const { client } of stale) void client.quit();
    if (this.#waiting.length === 0) this.#stopSweeper();
  }

  #stopSweeper(): void {
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#sweeper = null;
  }
}
