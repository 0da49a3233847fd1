// Load for a server whose mail is looked at afterwards: sessions that send one message after the other until the
// connection breaks, and know which got their 250. A message can be told whole by its number alone.

import { connect } from './smtp-dialog.ts';

/** Numbers between 0 and 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One message: its line `X-Number` is the key to its text. Most are small, each eighth has some 100 kB. */
export function numberedMessage(number: number): string {
  const lines = number % 8 === 7 ? 2000 : 1 + ((number * 37) % 200);
  const body = Array.from(
    { length: lines },
    (_, at) => `line ${at} of message ${number}, ${lines} in all\r\n`,
  );
  return `X-Number: ${number}\r\n\r\n${body.join('')}`;
}

/** The number of a message as it lies in a Maildir; null unless it is whole. */
export function numberOf(file: string): number | null {
  const [, text] = /\n(X-Number: \d+\n.*)$/s.exec(file) ?? [];
  if (text === undefined) return null;
  const number = Number.parseInt(text.slice('X-Number: '.length), 10);
  return text === numberedMessage(number).replaceAll('\r\n', '\n') ? number : null;
}

export interface Load {
  /** messages whose text was sent to its end, or may have been */
  readonly sent: ReadonlySet<number>;
  /** messages that the server has answered with 250 */
  readonly taken: ReadonlySet<number>;
  /** Resolves once all sessions are over. */
  readonly over: Promise<unknown>;
}

/** Starts sessions that send until the server is gone. @param first number of the first message */
export function startLoad(port: number, sessions: number, recipients: readonly string[], first = 0): Load {
  const sent = new Set<number>();
  const taken = new Set<number>();
  let next = first;
  const session = async () => {
    try {
      const client = await connect(port);
      await client.greet();
      for (;;) {
        const number = next++;
        await client.openData('sender@example.net', ...recipients);
        sent.add(number);
        await client.command(`${numberedMessage(number)}.`, 250);
        taken.add(number);
      }
    } catch (error) {
      // A connection that breaks is the end that is looked for; a reply that is wrong is not.
      if (!/connection is (?:broken|closed)|ECONNRE|EPIPE/.test(String(error))) throw error;
    }
  };
  const over = Promise.all(Array.from({ length: sessions }, session));
  // Looked at later by whoever has killed the server.
  over.catch(() => {});
  return { sent, taken, over };
}
