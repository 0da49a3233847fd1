// The facts of one connection. Parts that most connections never need are made when asked for: thousands of
// clients may be waiting at once.

import type {
  Authentication,
  Connection,
  ConnectionNotes,
  ForwardedFacts,
  Hello,
  OfferedParams,
  ProxyFacts,
  Service,
} from '../contract/connection.ts';
import type { TlsFacts, TlsSettings } from '../contract/tls.ts';
import { NoteCells } from '../message/notes.ts';
import type { Reply } from '../protocol/reply.ts';

/** What is known of a client before it has said a word. */
export interface Peer {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly remoteHost: string;
  readonly remoteInfo: string;
  readonly localIp: string;
  readonly localPort: number;
  readonly service: Service;
  /** who has said that this is the client, where it is not the peer of the socket */
  readonly proxy?: ProxyFacts | null;
  /**
   * Whose commands come in here, where that is not the client: the rights to XCLIENT and XFORWARD are those of this
   * address. Empty: nobody's.
   */
  readonly speakerIp?: string;
}

/** What a connection can ask of the conversation that it belongs to. */
export interface ClientLine {
  startTls(settings: TlsSettings, announcement?: Reply): Promise<TlsFacts>;
  hasInput(waitMs: number): Promise<boolean>;
  readonly isClientGone: boolean;
}

interface Offer {
  readonly capability: string;
  readonly params: OfferedParams | undefined;
}

export class Client implements Connection {
  readonly id: string;
  #peer: Peer;
  #line: ClientLine | null = null;
  readonly startedAt: Date;
  readonly notes = new NoteCells<ConnectionNotes>();
  hello: Hello | null = null;
  commandLine = '';
  tls: TlsFacts | null = null;
  authentication: Authentication | null = null;
  forwarded: ForwardedFacts | null = null;
  relayClient = false;
  /** a message is with the queue plugins */
  isQueuing = false;
  #controller: AbortController | null = null;
  #lost = false;
  #offers: Offer[] | null = null;
  #authResults: string[] | null = null;

  constructor(id: string, peer: Peer, startedAt: Date) {
    this.id = id;
    this.#peer = peer;
    this.startedAt = startedAt;
  }

  get remoteIp(): string {
    return this.#peer.remoteIp;
  }
  get remotePort(): number {
    return this.#peer.remotePort;
  }
  get remoteHost(): string {
    return this.#peer.remoteHost;
  }
  get remoteInfo(): string {
    return this.#peer.remoteInfo;
  }
  get localIp(): string {
    return this.#peer.localIp;
  }
  get localPort(): number {
    return this.#peer.localPort;
  }

  get service(): Service {
    return this.#peer.service;
  }

  get proxy(): ProxyFacts | null {
    return this.#peer.proxy ?? null;
  }
  get speakerIp(): string {
    return this.#peer.speakerIp ?? this.#peer.remoteIp;
  }

  /** Another client on the same connection, of which nothing is known but what a trusted proxy says (XCLIENT). */
  successor(peer: Peer): Client {
    const client = new Client(this.id, peer, this.startedAt);
    client.tls = this.tls;
    client.commandLine = this.commandLine;
    return client;
  }

  /** The conversation has begun. */
  attach(line: ClientLine): void {
    this.#line = line;
  }

  startTls(settings: TlsSettings, announcement?: Reply): Promise<TlsFacts> {
    if (this.#line === null) throw new Error('there is no conversation yet');
    return this.#line.startTls(settings, announcement);
  }

  hasInput(waitMs: number): Promise<boolean> {
    return this.#line?.hasInput(waitMs) ?? Promise.resolve(false);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#lost) this.#controller.abort();
    return this.#controller.signal;
  }

  /** The client is gone: whoever waits on its behalf is told. */
  lost(): void {
    this.#lost = true;
    this.#controller?.abort();
  }

  /**
   * The client has closed its side. With a message of it under way and nothing more to obey, such as QUIT, nobody waits
   * for the answer: most likely it will send the message again.
   */
  leftWhileQueuing(): void {
    if (this.isQueuing && this.#line?.isClientGone === true) this.lost();
  }

  offer(capability: string, params?: OfferedParams): void {
    this.#offers ??= [];
    if (this.#offers.some((offer) => offer.capability === capability)) return;
    this.#offers.push({ capability, params });
  }

  withdraw(capability: string): void {
    this.#offers = this.#offers?.filter((offer) => offer.capability !== capability) ?? null;
  }

  /** What plugins have offered so far. */
  get capabilities(): readonly string[] {
    return this.#offers?.map(({ capability }) => capability) ?? [];
  }

  /** Whether an offered extension brings this parameter. */
  takesParam(verb: 'mail' | 'rcpt', keyword: string): boolean {
    return this.#offers?.some(({ params }) => params?.[verb]?.includes(keyword)) ?? false;
  }

  addAuthResult(result: string): void {
    this.#authResults ??= [];
    this.#authResults.push(result);
  }

  get authResults(): readonly string[] {
    return this.#authResults ?? [];
  }
}
