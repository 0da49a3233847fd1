// Listening sockets of a process that takes no clients itself: bound while it may bind any port, kept open as long as
// it lives, and handed to workers. What waits in their queue waits through every change of workers.

import { lookup } from 'node:dns/promises';
import { BoundSocket, type BoundSocketOptions, isIP } from 'node:net';
import { portReasons, reasonOf, socketReasons } from './bind.ts';
import { type HostPort, type ListenAddress, type SocketPath, showListenAddress } from './listen-address.ts';
import { clearStaleSocket, openSocket, type SocketOwner, withClosedSocket } from './socket-file.ts';

export interface HeldSocket {
  readonly address: ListenAddress;
  readonly fd: number;
  /** Closes it, and removes the file of a unix socket. */
  close(): void;
}

/**
 * Binds an address, without listening yet. Gives it with the port that counts.
 *
 * @param owner of a socket file; null: whoever runs this
 * @throws Error with a sentence for the operator
 */
export async function holdSocket(address: ListenAddress, owner: SocketOwner | null): Promise<HeldSocket> {
  try {
    return 'path' in address ? await holdPath(address, owner) : await holdPort(address);
  } catch (error) {
    const reasons = 'path' in address ? socketReasons : portReasons;
    throw new Error(`${showListenAddress(address)}: ${reasonOf(error, reasons)}`);
  }
}

async function holdPort(address: HostPort & ListenAddress): Promise<HeldSocket> {
  const { host, port } = address;
  const bound = host === '' ? bindAnywhere(port) : new BoundSocket({ host: await numeric(host), port });
  return { address: { ...address, port: bound.address().port }, fd: bound.fd(), close: () => bound.close() };
}

/** All addresses: of both families where there is IPv6. */
function bindAnywhere(port: number): BoundSocket {
  try {
    return new BoundSocket({ host: '::', port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'EAFNOSUPPORT' && code !== 'EINVAL' && code !== 'EADDRNOTAVAIL') throw error;
    return new BoundSocket({ host: '0.0.0.0', port });
  }
}

async function numeric(host: string): Promise<string> {
  return isIP(host) !== 0 ? host : (await lookup(host)).address;
}

async function holdPath(address: SocketPath & ListenAddress, owner: SocketOwner | null): Promise<HeldSocket> {
  const { path } = address;
  await clearStaleSocket(path);
  // Node 26 takes a path, which its types do not know yet.
  const options: BoundSocketOptions & { readonly path: string } = { path };
  const held: { socket?: BoundSocket } = {};
  withClosedSocket(() => {
    held.socket = new BoundSocket(options);
  });
  openSocket(address, owner);
  const { socket } = held;
  return { address, fd: socket?.fd() ?? -1, close: () => socket?.close() };
}
