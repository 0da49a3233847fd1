// Unix sockets as files: what a server that crashed has left behind is cleared away, and the new one gets its
// owner and permissions.

import { chmodSync, chownSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import type { SocketPath } from './listen-address.ts';

/** Whoever may write the file can send mail as 127.0.0.1: the account of the server and its group. */
const DEFAULT_MODE = 0o660;

export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Makes room for a new socket. @throws Error with a sentence when there is something that must stay */
export async function clearStaleSocket(path: string): Promise<void> {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket()) throw new Error('there is a file of that name, and it is no socket');
  const state = await knockAt(path);
  if (state === 'answered') throw new Error('another program listens there');
  if (state === 'ECONNREFUSED') return unlinkSync(path);
  if (state !== 'ENOENT') throw new Error(`nobody can tell whether the socket there is in use (${state})`);
}

function knockAt(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve('answered');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Binds, in such a way that nobody else can connect before `openSocket`. */
export function withClosedSocket<T>(bind: () => T): T {
  const mask = process.umask(0o177);
  try {
    return bind();
  } finally {
    process.umask(mask);
  }
}

/** @param owner null: whoever has bound it */
export function openSocket({ path, mode }: SocketPath, owner: SocketOwner | null): void {
  if (owner !== null) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode ?? DEFAULT_MODE);
}

/** Makes the socket under another name in the same folder: it is whole when it gets its own. */
export function underOtherName<T>(path: string, make: (path: string) => T): T {
  // Short, as the paths of sockets have to be.
  const other = join(dirname(path), `.${process.pid}`);
  const made = make(other);
  renameSync(other, path);
  return made;
}
