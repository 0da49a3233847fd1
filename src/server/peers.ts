// Who has connected: the peer of a TCP or unix socket, or the client that a proxy has named.

import type { Socket } from 'node:net';
import type { Service } from '../contract/connection.ts';
import type { TlsFacts } from '../contract/tls.ts';
import type { ProxiedTls } from '../protocol/proxied-tls.ts';
import type { ProxyHeader } from '../protocol/proxy-header.ts';
import type { Peer } from '../session/client.ts';

const UNKNOWN = 'Unknown';
/** Under which address the other end of a unix socket goes: it is a program on this host. */
export const LOCAL_IP = '127.0.0.1';

/** A peer whose name is yet to be looked up. */
export interface UnnamedPeer extends Peer {
  remoteHost: string;
}

/** A peer of which a super-server has told all that is known. */
export type NamedPeer = Peer;

/** Facts of a socket. The own side costs a system call, which is made when somebody asks. */
export class SocketPeer implements UnnamedPeer {
  readonly remoteIp: string;
  readonly service: Service;
  remoteHost = UNKNOWN;
  readonly #socket: Socket;

  constructor(socket: Socket, remoteIp: string, service: Service) {
    this.#socket = socket;
    this.remoteIp = remoteIp;
    this.service = service;
  }

  get remoteInfo(): string {
    return this.remoteHost;
  }
  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }
  get localIp(): string {
    return plainIp(this.#socket.localAddress) ?? '';
  }
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }
}

/** IPv4 addresses come in the IPv6 form where the listener is for both. */
export function plainIp(address: string | undefined): string | null {
  if (address === undefined) return null;
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.replace(/%.*$/, '');
}

type Facts = Omit<Peer, 'remoteHost' | 'remoteInfo'>;

function unnamed(facts: Facts): UnnamedPeer {
  return {
    ...facts,
    remoteHost: UNKNOWN,
    get remoteInfo() {
      return this.remoteHost;
    },
  };
}

/** The other end of a unix socket. */
export function localPeer(service: Service): UnnamedPeer {
  return unnamed({ remoteIp: LOCAL_IP, remotePort: 0, localIp: LOCAL_IP, localPort: 0, service });
}

/** The client behind a PROXY header. @param proxy the peer of the socket */
export function peerBehind(proxy: SocketPeer, { kind, addresses }: ProxyHeader): UnnamedPeer {
  if (kind === 'local') return proxy;
  const { remoteIp, remotePort, localIp, localPort, service } = proxy;
  const facts = { remoteIp, remotePort, localIp, localPort, service, ...addresses };
  const told = { ...facts, proxy: { by: 'PROXY', ip: remoteIp } } as const;
  // A client that the proxy cannot name must not have the proxy's own rights to XCLIENT.
  return unnamed(addresses === null ? { ...told, speakerIp: '' } : told);
}

/** TLS that has ended at the proxy. Nothing of it reaches to here that a login could be bound to. */
export function tlsAtProxy({ protocol, cipher, serverName }: ProxiedTls): TlsFacts {
  return {
    protocol,
    cipher,
    serverName,
    isResumed: false,
    clientCertificate: null,
    channelBinding: () => null,
  };
}
