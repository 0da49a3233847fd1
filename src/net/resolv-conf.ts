// The servers that /etc/resolv.conf names (resolv.conf(5)). Only `nameserver` is read: search lists must not
// change what a mail domain means, and time limits are the resolver's own. The file is looked at again at most
// once a second, so that a changed network needs no restart and a question no file I/O.

import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Clock } from '../contract/plugin.ts';
import { DNS_PORT, type DnsServer } from './dns-server.ts';

const CHECK_EVERY_MS = 1000;
/** MAXNS of the C library */
const MAX_SERVERS = 3;
const DEFAULT_SERVERS: readonly DnsServer[] = [{ address: '127.0.0.1', port: DNS_PORT }];

/** The first three usable `nameserver` lines, or this host where there is none. */
export function parseResolvConf(text: string): readonly DnsServer[] {
  const servers: DnsServer[] = [];
  for (const line of text.split('\n')) {
    const [keyword, address = ''] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && isIP(address)) servers.push({ address, port: DNS_PORT });
  }
  return servers.length === 0 ? DEFAULT_SERVERS : servers.slice(0, MAX_SERVERS);
}

export class ResolvConf {
  readonly #path: string;
  readonly #clock: Clock;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #stamp = '';
  #servers: readonly DnsServer[] = DEFAULT_SERVERS;

  constructor(clock: Clock, path = '/etc/resolv.conf') {
    this.#clock = clock;
    this.#path = path;
  }

  servers(): readonly DnsServer[] {
    const now = this.#clock.monotonic();
    if (now - this.#checkedAt >= CHECK_EVERY_MS) {
      this.#checkedAt = now;
      this.#refresh();
    }
    return this.#servers;
  }

  // Tools replace the file, so for a moment it may be gone: the servers known so far stay in use.
  #refresh(): void {
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.#stamp) return;
      this.#servers = parseResolvConf(readFileSync(this.#path, 'latin1'));
      this.#stamp = stamp;
    } catch {
      this.#stamp = '';
    }
  }
}
