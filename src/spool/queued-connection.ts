// The client that has sent a queued message, as far as it is still known, for plugins that deliver the message now. The
// client itself is long gone: nothing can be offered to it, and it has nothing more to say.

import type { Connection, ConnectionNotes, ForwardedFacts, Hello, Service } from '../contract/connection.ts';
import type { TlsFacts } from '../contract/tls.ts';
import { NoteCells } from '../message/notes.ts';
import type { QueuedClient } from './queued-envelope.ts';

export class QueuedConnection implements Connection {
  readonly id: string;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly remoteHost: string;
  readonly remoteInfo: string;
  readonly localIp: string;
  readonly localPort: number;
  readonly service: Service;
  readonly proxy = null;
  readonly hello: Hello | null;
  readonly forwarded: ForwardedFacts | null;
  readonly commandLine = '';
  readonly tls: TlsFacts | null;
  readonly authentication: Connection['authentication'];
  relayClient: boolean;
  readonly startedAt: Date;
  readonly notes = new NoteCells<ConnectionNotes>();
  readonly signal: AbortSignal;

  /** @param id for the log @param signal aborts when nobody waits for the delivery any more */
  constructor(id: string, client: QueuedClient, startedAt: Date, signal: AbortSignal) {
    this.id = id;
    this.remoteIp = client.remoteIp;
    this.remotePort = client.remotePort;
    this.remoteHost = client.remoteHost;
    this.remoteInfo = client.remoteInfo;
    this.localIp = client.localIp;
    this.localPort = client.localPort;
    this.service = client.service;
    this.hello = client.hello;
    this.forwarded = client.forwarded === null ? null : new Map(Object.entries(client.forwarded));
    this.tls = client.tls === null ? null : { ...client.tls, channelBinding: () => null };
    this.authentication = client.authentication;
    this.relayClient = client.relayClient;
    this.startedAt = startedAt;
    this.signal = signal;
  }

  offer(): void {}
  withdraw(): void {}
  addAuthResult(): void {}

  startTls(): Promise<TlsFacts> {
    return Promise.reject(new Error('the client of a queued message is gone'));
  }

  hasInput(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
