// Two ends of a real loopback connection: the server's socket, and the client's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { cleanUp } from '../support/cleanup.ts';

export interface Ends {
  readonly server: Socket;
  readonly client: Socket;
}

/** Both are destroyed after the test that called this. */
export async function socketPair(): Promise<Ends> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  const client = createConnection({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const [[server]] = await Promise.all([accepted, once(client, 'connect')]);
  client.on('error', () => {});
  cleanUp(() => {
    server.destroy();
    client.destroy();
    listener.close();
  });
  return { server, client };
}

/** A clock that is set by hand. */
export class HandClock {
  ms = 0;

  now(): Date {
    return new Date(this.ms);
  }

  monotonic(): number {
    return this.ms;
  }
}

const LONGEST_WAIT_MS = 10_000;

/** Resolves when `isSo`, looked at after each turn of the event loop. @throws AssertionError after ten seconds */
export async function until(isSo: () => boolean): Promise<void> {
  const begun = performance.now();
  while (!isSo()) {
    assert.ok(performance.now() - begun < LONGEST_WAIT_MS, `in vain waited for: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
