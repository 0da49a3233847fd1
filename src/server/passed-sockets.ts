// Sockets that somebody else has bound and passes on when we are started: LISTEN_FDS, as systemd does it
// (sd_listen_fds(3)).

import { readFileSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import type { OpenSocket } from './bound-sockets.ts';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';

const FIRST_FD = 3;

type Environment = Record<string, string | undefined>;

interface PassedSocket {
  readonly fd: number;
  /** what FileDescriptorName= says: words for the listener, where it says such words */
  readonly words: string;
}

/**
 * Takes what is passed to this process out of the environment: it is not for children. Empty where there is nothing.
 *
 * @throws Error with a sentence for the operator
 */
export function takePassedSockets(env: Environment, pid: number): OpenSocket[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count = '', LISTEN_FDNAMES: names = '' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (Number(forPid) !== pid || !/^\d{1,4}$/.test(count)) return [];
  const words = names.split(':');
  return Array.from({ length: Number(count) }, (_, at) => {
    const fd = FIRST_FD + at;
    return { fd, address: addressOf({ fd, words: words[at] ?? '' }), isOurs: false };
  });
}

function addressOf({ fd, words }: PassedSocket): ListenAddress {
  const place = placeOf(fd);
  if (place === null) throw new Error(`the file descriptor ${fd} that was passed is no socket that listens`);
  // Any name will do that says nothing to us; the default is that of the unit.
  if (!words.split(',').some(isOurWord)) return parseListenAddress(place);
  try {
    return parseListenAddress(`${place},${words}`);
  } catch (error) {
    throw new Error(`FileDescriptorName=${words}: ${error instanceof Error ? error.message : error}`);
  }
}

function isOurWord(word: string): boolean {
  return ['tls', 'lmtp', 'proxy'].includes(word);
}

/** Where it is bound, in the form of `--listen`; null: nowhere that we could tell. */
function placeOf(fd: number): string | null {
  const path = unixPathOf(fd);
  if (path !== null) return path;
  try {
    // Never read, and never closed: it is the socket itself.
    const { localAddress, localPort, localFamily } = new Socket({ fd, readable: false, writable: false });
    if (localAddress === undefined) return null;
    return `${localFamily === 'IPv6' ? `[${localAddress}]` : localAddress}:${localPort}`;
  } catch {
    return null;
  }
}

function unixPathOf(fd: number): string | null {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
    const fields = lines
      .map((line) => line.split(' '))
      .find((each) => inode !== undefined && each.includes(inode));
    return fields?.at(-1)?.startsWith('/') === true ? (fields.at(-1) ?? null) : null;
  } catch {
    return null;
  }
}
