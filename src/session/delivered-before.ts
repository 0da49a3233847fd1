// Which recipients of a message got it although its client heard a refusal: one reply of SMTP cannot say that some have
// it and some do not. When the client sends the message again, they are not to get it a second time. Kept in memory
// and for a day: after a restart of the server they do.

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

export class DeliveredBefore {
  /** by what can be had without reading the message; the oldest entry first */
  readonly #entries = new Map<string, Entry>();

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
    const entry = { digest: await digestOf(message), expires: now + DAY_MS };
    for (const recipient of recipients) {
      const key = keyOf(message, recipient);
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    for (const [key, { expires }] of this.#entries) {
      if (expires > now && this.#entries.size <= MOST_REMEMBERED) break;
      this.#entries.delete(key);
    }
    return true;
  }

  /** The client has heard that these recipients have it: what comes now is another message. */
  forget(message: Transaction, recipients: readonly Address[]): void {
    for (const recipient of recipients) this.#entries.delete(keyOf(message, recipient));
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
