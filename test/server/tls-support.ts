// The wire of a server and a client that does TLS with it, over a real connection on loopback.

import { once } from 'node:events';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { TlsFacts, TlsSettings } from '../../src/contract/tls.ts';
import { Deadlines } from '../../src/engine/deadlines.ts';
import { SocketWire } from '../../src/server/socket-wire.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { cleanUp } from '../support/cleanup.ts';
import { type Ends, HandClock, socketPair } from './support.ts';

export const LONG_MS = 60_000;
export const serverCertificate = makeCertificate('mx.example');

export interface Wired extends Ends {
  readonly wire: SocketWire;
  readonly lost: { times: number };
  /** Sets the clock forward and fires what is due. */
  pass(ms: number): void;
}

export async function wired(): Promise<Wired> {
  const ends = await socketPair();
  const clock = new HandClock();
  const deadlines = new Deadlines(clock);
  cleanUp(() => deadlines.stop());
  const lost = { times: 0 };
  const wire = new SocketWire(ends.server, deadlines, () => {
    lost.times++;
  });
  const pass = (ms: number) => {
    clock.ms += ms;
    deadlines.sweep();
  };
  return { ...ends, wire, lost, pass };
}

export function contextFor({ cert, key }: TestCertificate, more: object = {}): SecureContext {
  return createSecureContext({ cert, key, ca: [], ...more });
}

export function settings(more: Partial<TlsSettings> = {}): TlsSettings {
  const context = contextFor(serverCertificate);
  return { context, contextFor: null, clientCertificates: 'none', timeoutMs: 30_000, ...more };
}

export interface Secured extends Wired {
  readonly tls: TLSSocket;
  readonly facts: TlsFacts;
}

/** Begins TLS on the client's side; errors are left to the test. */
export function clientTls(socket: Ends['client'], options: ConnectionOptions = {}): TLSSocket {
  const tls = connect({ socket, rejectUnauthorized: false, ...options });
  tls.on('error', () => {});
  cleanUp(() => void tls.destroy());
  return tls;
}

/** Resolves outside of the socket's own callback: Node crashes when it is destroyed there. */
export async function secureConnect(socket: TLSSocket): Promise<void> {
  await once(socket, 'secureConnect');
  await new Promise((resolve) => setImmediate(resolve));
}

/** A handshake that both sides succeed in. */
export async function secured(
  more: Partial<TlsSettings> = {},
  options: ConnectionOptions = {},
): Promise<Secured> {
  const all = await wired();
  const tls = clientTls(all.client, options);
  const [facts] = await Promise.all([all.wire.startTls(settings(more)), secureConnect(tls)]);
  return { ...all, tls, facts };
}
