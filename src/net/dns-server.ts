// Where to ask: address and port of a DNS server, and its spelling on the command line (`--dns`).

import { isIP, isIPv4 } from 'node:net';

export const DNS_PORT = 53;

export interface DnsServer {
  /** an IP address, never a name */
  readonly address: string;
  readonly port: number;
}

/** Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`; null when it is none of them. */
export function parseDnsServer(text: string): DnsServer | null {
  if (isIP(text)) return { address: text, port: DNS_PORT };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  const port = digits === undefined ? DNS_PORT : Number(digits);
  const known = plain === undefined ? isIP(address) === 6 : isIPv4(address);
  return known && port >= 1 && port <= 65535 ? { address, port } : null;
}
