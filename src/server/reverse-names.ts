// Names of clients by reverse DNS. qpsmtpd calls a client without one `Unknown`.

import type { Resolver } from '../contract/dns.ts';
import type { Awaitable } from '../contract/hooks.ts';

const UNKNOWN = 'Unknown';
// A name that is a nuisance in logs and fields is no name.
const HARMLESS = /^[A-Za-z0-9._-]{1,255}$/;
const LOOPBACK = /^(?:127\.|::1$)/;

export function reverseNames(dns: Resolver): (ip: string) => Awaitable<string> {
  return (ip) => (LOOPBACK.test(ip) ? 'localhost' : ask(dns, ip));
}

async function ask(dns: Resolver, ip: string): Promise<string> {
  const answer = await dns.reverse(ip);
  const [name] = answer.kind === 'answer' ? answer.values : [];
  return name !== undefined && HARMLESS.test(name) ? name : UNKNOWN;
}

/** The name of a client where none is asked for, as qpsmtpd gives it. */
export function nameless(ip: string): string {
  return `[${ip}]`;
}
