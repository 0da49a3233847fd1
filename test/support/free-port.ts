// Ports for programs that cannot say which port they have got.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Linux gives ports from 32768 on to clients, and to whoever asks for any: one of those would soon be somebody else's. */
const LOWEST = 10_000;
const HIGHEST = 32_000;
const MOST_TRIALS = 100;

/** A port on loopback that nobody uses now, by TCP or UDP. */
export async function freePort(): Promise<number> {
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    const port = randomInt(LOWEST, HIGHEST);
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
  throw new Error(`${MOST_TRIALS} ports from ${LOWEST} to ${HIGHEST} are all in use`);
}

function isFreeForTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function isFreeForUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
