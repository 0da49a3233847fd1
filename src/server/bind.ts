// How a listener begins to listen, and why it may not be possible.

import type { Server } from 'node:net';

// Longer queues of the kernel are cut to net.core.somaxconn anyway.
export const BACKLOG = 1024;

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
