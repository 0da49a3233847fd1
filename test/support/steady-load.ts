// Steady load for a server that is reloaded, upgraded or killed meanwhile: clients that send one message in each
// session, one after the other, and count what becomes of them. Which messages were taken is compared with the Maildir.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SmtpDialog } from './smtp-dialog.ts';

export interface SteadyLoad {
  /** connections that were made */
  readonly connected: number;
  /** why connections could not be made */
  readonly refused: readonly string[];
  /** why sessions broke after they had begun */
  readonly broken: readonly string[];
  /** numbers of the messages that got their 250 */
  readonly taken: ReadonlySet<number>;
  /** Lets the sessions end that are under way. */
  stop(): Promise<void>;
}

export interface LoadSettings {
  readonly clients: number;
  /** milliseconds between two sessions of a client */
  readonly restMs?: number;
}

export function startSteadyLoad(port: number, { clients, restMs = 0 }: LoadSettings): SteadyLoad {
  const around = { next: 0, isOver: false };
  const taken = new Set<number>();
  const refused: string[] = [];
  const broken: string[] = [];
  const load = { connected: 0, refused, broken, taken };
  const session = async (number: number) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    try {
      await once(socket, 'connect');
    } catch (error) {
      refused.push(String(error));
      return;
    }
    load.connected++;
    const dialog = new SmtpDialog(socket);
    try {
      await dialog.greet();
      await dialog.openData('sender@example.net', 'user@b.example');
      await dialog.command(`${smallMessage(number)}.`, 250);
      taken.add(number);
      await dialog.command('QUIT', 221);
    } catch (error) {
      broken.push(String(error));
    } finally {
      dialog.close();
    }
  };
  const client = async () => {
    while (!around.isOver) {
      await session(around.next++);
      if (restMs > 0) await pause(restMs);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return Object.assign(load, {
    async stop() {
      around.isOver = true;
      await all;
    },
  });
}

const LINE = 'Some forty octets that have to be there whole.\r\n';

function smallMessage(number: number): string {
  return `Subject: steady\r\nX-Number: ${number}\r\n\r\n${LINE.repeat(1 + (number % 40))}`;
}

export interface Delivered {
  /** different messages, each of them whole */
  readonly messages: number;
  /** copies beyond the first */
  readonly extra: number;
}

/** Every message that was taken lies in the Maildir, whole. @throws AssertionError */
export function assertNoneLost({ taken }: SteadyLoad, maildir: string): Delivered {
  const folder = join(maildir, 'new');
  const copies = new Map<number, number>();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'latin1');
    const number = Number(/^X-Number: (\d+)$/m.exec(text)?.[1]);
    assert.ok(text.endsWith(smallMessage(number).replaceAll('\r\n', '\n')), `${name} is not whole`);
    copies.set(number, (copies.get(number) ?? 0) + 1);
  }
  assert.deepEqual(
    [...taken].filter((number) => !copies.has(number)),
    [],
    'messages that got their 250 and are not there',
  );
  const all = [...copies.values()].reduce((sum, count) => sum + count, 0);
  return { messages: copies.size, extra: all - copies.size };
}
