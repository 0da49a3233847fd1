// Listening sockets that outlive whoever takes clients of them: bound while the process may bind any port, and handed to
// workers, or to the process that comes after this one. What waits in their queue waits through every such change.

import { lookup } from 'node:dns/promises';
import { lstatSync, unlinkSync } from 'node:fs';
import { BoundSocket, type BoundSocketOptions, isIP } from 'node:net';
import { portReasons, reasonOf, socketReasons } from './bind.ts';
import { type HostPort, type ListenAddress, type SocketPath, showListenAddress } from './listen-address.ts';
import {
  clearStaleSocket,
  openSocket,
  type SocketOwner,
  underOtherName,
  withClosedSocket,
} from './socket-file.ts';

/** A socket as another process can go on with it. */
export interface OpenSocket {
  readonly fd: number;
  readonly address: ListenAddress;
  /** we, or a server before us, have bound it, and remove its file; systemd looks after its own */
  readonly isOurs: boolean;
}

export interface HeldSocket extends OpenSocket {
  /** null: bound by a process before this one */
  readonly handle: BoundSocket | null;
  /** Of a unix socket that is ours. For the end: nobody goes on with it. */
  removeFile(): void;
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

/** A socket that this process was started with. */
export function heldAlready(socket: OpenSocket): HeldSocket {
  return { ...socket, handle: null, removeFile: () => removeFileOf(socket) };
}

async function holdPort(address: HostPort & ListenAddress): Promise<HeldSocket> {
  const { host, port } = address;
  const handle = host === '' ? bindAnywhere(port) : new BoundSocket({ host: await numeric(host), port });
  return held(handle, { ...address, port: handle.address().port });
}

function held(handle: BoundSocket, address: ListenAddress): HeldSocket {
  // A listener that takes the handle over has the descriptor from then on, under the same number.
  return { ...heldAlready({ fd: handle.fd(), address, isOurs: true }), handle };
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

// libuv removes the file that it has bound when the handle goes, which at a hand-over would be too early: so that one
// has another name.
async function holdPath(address: SocketPath & ListenAddress, owner: SocketOwner | null): Promise<HeldSocket> {
  await clearStaleSocket(address.path);
  return underOtherName(address.path, (path) => {
    // Node 26 takes a path, which its types do not know yet.
    const options: BoundSocketOptions & { readonly path: string } = { path };
    const handle = withClosedSocket(() => new BoundSocket(options));
    openSocket({ ...address, path }, owner);
    return held(handle, address);
  });
}

function removeFileOf({ address, isOurs }: OpenSocket): void {
  if (!isOurs || !('path' in address)) return;
  try {
    if (lstatSync(address.path).isSocket()) unlinkSync(address.path);
  } catch {
    // Somebody else has removed it.
  }
}
