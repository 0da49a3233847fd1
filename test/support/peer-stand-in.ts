// A server on loopback, or on a unix socket, for clients of protocols that send first or read first: what it does with a
// connection is up to the test. Closed after the test (or suite, or file) that called this.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { cleanUp } from './cleanup.ts';

export interface PeerStandIn {
  readonly port: number;
  /** what each connection has sent, in the order in which they came; one octet a character */
  readonly heard: readonly string[];
}

/** @param onData called with all that has come so far on a connection, and at first with nothing */
export async function listenAs(
  onData: (socket: Socket, heard: string) => void,
  path?: string,
): Promise<PeerStandIn> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const at = heard.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard[at] += chunk.toString('latin1');
      onData(socket, heard[at] ?? '');
    });
    onData(socket, '');
  });
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  cleanUp(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: path === undefined ? portOf(server) : 0, heard };
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}
