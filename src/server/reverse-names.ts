// Names of clients by reverse DNS. qpsmtpd calls a client without one `Unknown`.

import type { Awaitable } from '../contract/hooks.ts';
import type { Clock } from '../contract/plugin.ts';
import { DnsResolver } from '../net/resolver.ts';
import type { HostPort } from './listen-address.ts';

const UNKNOWN = 'Unknown';
// A name that is a nuisance in logs and fields is no name.
const HARMLESS = /^[A-Za-z0-9._-]{1,255}$/;
const LOOPBACK = /^(?:127\.|::1$)/;

/** @param server the DNS server to ask; null: those of /etc/resolv.conf */
export function reverseNames(clock: Clock, server: HostPort | null): (ip: string) => Awaitable<string> {
  const servers =
    server === null ? {} : { servers: [{ address: server.host || '127.0.0.1', port: server.port }] };
  const resolver = new DnsResolver({ clock, ...servers });
  return (ip) => (LOOPBACK.test(ip) ? 'localhost' : ask(resolver, ip));
}

async function ask(resolver: DnsResolver, ip: string): Promise<string> {
  const answer = await resolver.reverse(ip);
  const [name] = answer.kind === 'answer' ? answer.values : [];
  return name !== undefined && HARMLESS.test(name) ? name : UNKNOWN;
}

/** The name of a client where none is asked for, as qpsmtpd gives it. */
export function nameless(ip: string): string {
  return `[${ip}]`;
}
