// The facts of one connection. Parts that most connections never need are made when asked for: thousands of
// clients may be waiting at once.

import type {
  Authentication,
  Connection,
  ConnectionNotes,
  Hello,
  OfferedParams,
  TlsFacts,
} from '../contract/connection.ts';
import { NoteCells } from '../message/notes.ts';

/** What is known of a client before it has said a word. */
export interface Peer {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly remoteHost: string;
  readonly remoteInfo: string;
  readonly localIp: string;
  readonly localPort: number;
}

export class Client implements Connection {
  readonly id: string;
  readonly #peer: Peer;
  readonly startedAt: Date;
  readonly notes = new NoteCells<ConnectionNotes>();
  hello: Hello | null = null;
  commandLine = '';
  tls: TlsFacts | null = null;
  authentication: Authentication | null = null;
  relayClient = false;
  #controller: AbortController | null = null;
  #lost = false;
  #capabilities: string[] | null = null;
  #params: OfferedParams[] | null = null;
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

  offer(capability: string, params?: OfferedParams): void {
    this.#capabilities ??= [];
    if (this.#capabilities.includes(capability)) return;
    this.#capabilities.push(capability);
    if (params === undefined) return;
    this.#params ??= [];
    this.#params.push(params);
  }

  /** What plugins have offered so far. */
  get capabilities(): readonly string[] {
    return this.#capabilities ?? [];
  }

  /** Whether an offered extension brings this parameter. */
  takesParam(verb: 'mail' | 'rcpt', keyword: string): boolean {
    return this.#params?.some((params) => params[verb]?.includes(keyword)) ?? false;
  }

  addAuthResult(result: string): void {
    this.#authResults ??= [];
    this.#authResults.push(result);
  }

  get authResults(): readonly string[] {
    return this.#authResults ?? [];
  }
}
