// One connection from its first moment on, until it is known who the client is.

import type { Socket } from 'node:net';
import type { Service } from '../contract/connection.ts';
import type { Engine } from '../engine/engine.ts';
import type { ProxiedTls } from '../protocol/proxied-tls.ts';
import type { ProxyHeader } from '../protocol/proxy-header.ts';
import { formatReply } from '../protocol/reply.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { ListenAddress } from './listen-address.ts';
import { localPeer, type NamedPeer, peerBehind, SocketPeer, type UnnamedPeer } from './peers.ts';
import { type ProxyRule, readPreamble } from './proxy-preamble.ts';
import type { SocketWire } from './socket-wire.ts';

/** A listener: where it is, and what clients find there. */
export interface Entrance {
  readonly address: ListenAddress;
  readonly service: Service;
}

export interface Caller {
  readonly socket: Socket;
  /** of the peer of the socket */
  readonly ip: string;
  readonly entrance: Entrance;
  readonly rule: ProxyRule;
  /** what a super-server has told of the client; null: it is the peer of the socket */
  readonly named: NamedPeer | null;
  /** null: as from no address, or from one that is yet to be told */
  countedAs: string | null;
}

export interface FoundPeer {
  readonly peer: UnnamedPeer;
  /** that has ended at the proxy */
  readonly tls: ProxiedTls | null;
}

/** The client is the peer of the socket. */
export function directPeer({ socket, ip, entrance, named }: Caller): FoundPeer {
  if (named !== null) return { peer: { ...named }, tls: null };
  const { address, service } = entrance;
  return { peer: 'path' in address ? localPeer(service) : new SocketPeer(socket, ip, service), tls: null };
}

interface ProxyMeans {
  readonly engine: Engine;
  readonly limits: ConnectionLimits;
  /** whether the connection is still open */
  isThere(): boolean;
}

/** Hears from a proxy who the client is, and counts that one. Null: the connection is over. */
export async function peerBehindProxy(
  caller: Caller,
  wire: SocketWire,
  { engine, limits, isThere }: ProxyMeans,
): Promise<FoundPeer | null> {
  const { log, world } = engine;
  let header: ProxyHeader | null;
  try {
    header = await readPreamble(wire, caller.rule, () => world.clock.monotonic());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.write('notice', `fail, ${caller.ip}: ${why}`);
    return null;
  }
  if (header?.kind === 'unknown') {
    log.write('notice', `${caller.ip}: the PROXY header does not tell who the client is`);
  }
  const own = new SocketPeer(caller.socket, caller.ip, caller.entrance.service);
  const peer = header === null ? own : peerBehind(own, header);
  // Who has left meanwhile is not counted any more.
  if (!isThere()) return null;
  caller.countedAs = peer.remoteIp;
  const refusal = limits.name(peer.remoteIp);
  if (refusal === null) return { peer, tls: header?.tls ?? null };
  log.write('notice', `fail, ${peer.remoteIp}: ${refusal}`);
  wire.write(tryLater(refusal));
  return null;
}

/** For a socket that nobody serves: says a last word, if there is one, and closes. */
export function refuse(socket: Socket, text: string): void {
  socket.on('error', () => {});
  socket.end(text, 'latin1', () => socket.destroySoon());
}

export function tryLater(why: string): string {
  const status = why === 'too many connections from your address' ? '4.7.0' : '4.3.2';
  return formatReply({ code: 421, status, lines: [`${why}, try again later`] });
}
