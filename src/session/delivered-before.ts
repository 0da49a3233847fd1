// Which recipients of a message got it although its client heard a refusal: one reply of SMTP cannot say that some have
// it and some do not. When the client sends the message again, they are not to get it a second time. Kept in memory
// and for a day, by all workers of a server and the server that takes its place: after a restart they do.

import { createHash } from 'node:crypto';
import type { Transaction } from '../contract/connection.ts';
import type { Address } from '../protocol/address.ts';

const DAY_MS = 24 * 3600 * 1000;
const MOST_REMEMBERED = 10_000;
// What its author has written. Trace fields, and what filters add, are others when it comes again.
const AUTHORS_FIELDS = ['Message-ID', 'Date', 'From', 'To', 'Cc', 'Subject'] as const;

interface Entry {
  readonly digest: string;
  /** milliseconds of the clock that only goes forward */
  readonly expires: number;
}

/** What another worker of the server has to know. */
export interface DeliveryNews {
  readonly keys: readonly string[];
  /** of the message that they have; null: what comes now is another one */
  readonly digest: string | null;
  /** milliseconds ago */
  readonly age: number;
}

export class DeliveredBefore {
  readonly #tell: (news: DeliveryNews) => void;
  /** by what can be had without reading the message; the oldest entry first */
  readonly #entries = new Map<string, Entry>();

  /** @param tell hears of what is new here, where there are other workers */
  constructor(tell: (news: DeliveryNews) => void = () => {}) {
    this.#tell = tell;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Recipients of this message that have it. */
  async recall(message: Transaction, now: number): Promise<readonly Address[]> {
    const candidates = message.recipients.filter((recipient) => {
      const entry = this.#entries.get(keyOf(message, recipient));
      return entry !== undefined && entry.expires > now;
    });
    if (candidates.length === 0) return [];
    const digest = await digestOf(message);
    return candidates.filter((recipient) => this.#entries.get(keyOf(message, recipient))?.digest === digest);
  }

  /**
   * These recipients have the message, and its client is told that it was refused. Gives false for a message that
   * cannot be told from another one with the same words: better twice than not at all.
   */
  async remember(message: Transaction, recipients: readonly Address[], now: number): Promise<boolean> {
    if (!message.header.has('Message-ID')) return false;
    const keys = recipients.map((recipient) => keyOf(message, recipient));
    this.#note({ keys, digest: await digestOf(message), age: 0 }, now);
    return true;
  }

  /** The client has heard that these recipients have it: what comes now is another message. */
  forget(message: Transaction, recipients: readonly Address[]): void {
    const keys = recipients.map((recipient) => keyOf(message, recipient));
    const known = keys.filter((key) => this.#entries.has(key));
    if (known.length > 0) this.#note({ keys: known, digest: null, age: 0 }, -Infinity);
  }

  /** @param now of the clock of this process */
  hear({ keys, digest, age }: DeliveryNews, now: number): void {
    for (const key of keys) {
      this.#entries.delete(key);
      if (digest !== null) this.#entries.set(key, { digest, expires: now - age + DAY_MS });
    }
    for (const [key, { expires }] of this.#entries) {
      if (expires > now && this.#entries.size <= MOST_REMEMBERED) break;
      this.#entries.delete(key);
    }
  }

  /** All that a worker that begins has to hear, oldest first. */
  recent(now: number): DeliveryNews[] {
    return [...this.#entries]
      .filter(([, { expires }]) => expires > now)
      .map(([key, { digest, expires }]) => ({ keys: [key], digest, age: now + DAY_MS - expires }));
  }

  #note(news: DeliveryNews, now: number): void {
    this.hear(news, now);
    this.#tell(news);
  }
}

/** One word for each spelling of a recipient that is delivered to once. */
export function recipientKey({ localPart, asciiDomain }: Address): string {
  return `${localPart}@${asciiDomain.toLowerCase()}`;
}

function keyOf({ sender, header, body }: Transaction, recipient: Address): string {
  const id = header.get('Message-ID') ?? '';
  return [sender?.key ?? '', recipientKey(recipient), body.size, id.slice(0, 200)].join('\n');
}

async function digestOf({ header, body }: Transaction): Promise<string> {
  const hash = createHash('sha256');
  for (const name of AUTHORS_FIELDS) {
    for (const value of header.all(name)) hash.update(`${name}:${value}\n`);
  }
  hash.update('\n');
  for await (const chunk of body.chunks()) hash.update(chunk);
  return hash.digest('base64');
}
