// A folder with certificates, a clock set by hand, and a log that is kept: what a context of the plugin tls needs.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ContextMeans, WatchedContext } from '../../plugins/_tls-context.ts';
import { defaultCiphers, defaultProtocols } from '../../plugins/_tls-protocols.ts';
import type { Logger } from '../../src/contract/at.ts';
import { TicketKeys } from '../../src/server/tls-ticket-keys.ts';
import { cleanUp } from '../support/cleanup.ts';

export interface Place {
  readonly dir: string;
  /** Writes a file that nobody else may read; gives its path. */
  write(name: string, text: string): string;
}

export function tempPlace(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(dir, { recursive: true }));
  const write = (name: string, text: string) => {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return { dir, write };
}

export class SettableClock {
  /** of the day; files just written are long settled */
  wall = Date.now() + 60_000;
  ms = 0;

  now(): Date {
    return new Date(this.wall);
  }
  monotonic(): number {
    return this.ms;
  }
  pass(ms: number): void {
    this.ms += ms;
    this.wall += ms;
  }
}

export function keptLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const level = (name: string) => (text: string) => void lines.push(`${name}: ${text}`);
  const log = {
    enabled: () => true,
    debug: level('debug'),
    info: level('info'),
    notice: level('notice'),
    warn: level('warn'),
    error: level('error'),
    crit: level('crit'),
    alert: level('alert'),
    emerg: level('emerg'),
  };
  return { log, lines };
}

export function meansWith(clock: SettableClock, more: Partial<ContextMeans> = {}) {
  const { log, lines } = keptLog();
  const tickets = new TicketKeys(() => clock.monotonic());
  const means: ContextMeans = {
    protocols: defaultProtocols,
    ciphers: defaultCiphers,
    ca: null,
    dhparam: null,
    clientCertificates: 'none',
    tlsTicketKeys: () => tickets.current,
    clock,
    log,
    ...more,
  };
  return { means, lines, watch: (cert: string, key = cert) => new WatchedContext({ cert, key }, means) };
}
