// The first octets of a connection where a proxy may have put a PROXY header before what its client says. They are
// read before anything is known, asked or said of the client, the TLS handshake included.

import type { ProxySource } from '../contract/plugin.ts';
import type { NetworkList } from '../protocol/network.ts';
import { type ProxyHeader, readProxyHeader } from '../protocol/proxy-header.ts';
import type { Wire } from '../session/wire.ts';
import type { ListenAddress } from './listen-address.ts';

/** Whether a header has to come. `refuse`: nobody but proxies may connect here, and this is none. */
export type ProxyRule = 'none' | 'required' | 'possible' | 'refuse';

// The header is the first thing that a proxy sends, in one piece.
const HEADER_MS = 5000;
// How long a local client that sends none has to wait for its greeting.
const FIRST_OCTETS_MS = 300;

export function proxyRule(
  address: ListenAddress,
  remoteIp: string,
  proxies: NetworkList,
  sources: readonly ProxySource[],
): ProxyRule {
  // Who may open a socket file is a matter of its permissions.
  if ('path' in address) return 'none';
  if (proxies.contains(remoteIp)) return 'required';
  if (address.proxy === true) return 'refuse';
  return sources.some(({ networks }) => networks.contains(remoteIp)) ? 'possible' : 'none';
}

/**
 * Reads the header and gives back what follows it. `null`: there is none, and there need not be one.
 *
 * @throws Error with a sentence for the log
 */
export async function readPreamble(
  wire: Wire,
  rule: ProxyRule,
  monotonic: () => number,
): Promise<ProxyHeader | null> {
  if (rule === 'possible' && !(await wire.peek(FIRST_OCTETS_MS))) return null;
  const end = monotonic() + HEADER_MS;
  let octets: Buffer = Buffer.alloc(0);
  for (;;) {
    const left = end - monotonic();
    const chunk = left > 0 ? await wire.read(left) : 'timeout';
    if (chunk === 'ended') throw new Error('the connection ended before a PROXY header');
    if (chunk === 'timeout') throw new Error('no whole PROXY header came in time');
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const header = readProxyHeader(octets);
    if (header.kind === 'more') continue;
    if (header.kind === 'bad') throw new Error(`bad PROXY header: ${header.why}`);
    if (header.kind === 'none' && rule === 'required') throw new Error('there is no PROXY header');
    const rest = header.kind === 'none' ? octets : octets.subarray(header.length);
    if (rest.length > 0) wire.unread(rest);
    return header.kind === 'none' ? null : header;
  }
}
