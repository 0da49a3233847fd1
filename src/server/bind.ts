// From an address of `--listen` to a listener that is bound to it.

import type { Server } from 'node:net';
import { type HostPort, type ListenAddress, type SocketPath, showListenAddress } from './listen-address.ts';
import { clearStaleSocket, openSocket, type SocketOwner, withClosedSocket } from './socket-file.ts';

// Longer queues of the kernel are cut to net.core.somaxconn anyway.
export const BACKLOG = 1024;

/**
 * Gives the address with the port that the kernel has chosen where it was 0.
 *
 * @param owner of a socket file; null: whoever runs this
 * @throws Error with a sentence for the operator
 */
export async function bind<A extends ListenAddress>(
  server: Server,
  address: A,
  owner: SocketOwner | null,
): Promise<A> {
  try {
    if ('path' in address) await bindSocket(server, address, owner);
    else return { ...address, port: await bindPort(server, address) };
    return address;
  } catch (error) {
    const reasons = 'path' in address ? socketReasons : portReasons;
    throw new Error(`${showListenAddress(address)}: ${reasonOf(error, reasons)}`);
  }
}

async function bindPort(server: Server, { host, port }: HostPort): Promise<number> {
  const where = host === '' ? {} : { host };
  await listening(server, () => server.listen({ ...where, port, backlog: BACKLOG }));
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}

async function bindSocket(server: Server, address: SocketPath, owner: SocketOwner | null): Promise<void> {
  const { path } = address;
  await clearStaleSocket(path);
  await listening(server, () => withClosedSocket(() => server.listen({ path, backlog: BACKLOG })));
  openSocket(address, owner);
}

export function listening(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      resolve();
    });
    begin();
  });
}

export const portReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another program',
  EACCES: 'ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this host has no such address',
  ENOTFOUND: 'there is no such host name',
};
export const socketReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has just taken it',
  // libuv gives this code for a missing folder, too.
  EACCES: 'its folder is not there, or may not be written to',
  EPERM: 'only root can give it to another user',
};

export function reasonOf(error: unknown, reasons: Readonly<Record<string, string>>): string {
  if (!(error instanceof Error)) return String(error);
  return reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? error.message;
}
