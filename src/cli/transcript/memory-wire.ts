// A wire without a socket. Whoever drives it can wait until the session has dealt with all it was given.

import type { TlsFacts, TlsSettings } from '../../contract/tls.ts';
import type { Chunk, Wire } from '../../session/wire.ts';

// What a handshake would give; there is none on a wire in memory.
const TLS: TlsFacts = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  isResumed: false,
  clientCertificate: null,
  channelBinding: (type) => (type === 'tls-exporter' ? Buffer.alloc(32, 7) : null),
};

export class MemoryWire implements Wire {
  readonly broken = false;
  #incoming: Buffer[] = [];
  #hasEnded = false;
  #output = '';
  #closed = false;
  #reader: ((chunk: Chunk) => void) | null = null;
  #onIdle: (() => void) | null = null;

  get ended(): boolean {
    return this.#hasEnded && this.#incoming.length === 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  read(): Promise<Chunk> {
    const chunk = this.#incoming.shift() ?? (this.#hasEnded ? 'ended' : undefined);
    if (chunk !== undefined) return Promise.resolve(chunk);
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#onIdle?.();
    });
  }

  /** Does not wait: whatever a transcript sends is there at once. */
  peek(): Promise<boolean> {
    return Promise.resolve(this.#incoming.length > 0);
  }

  unread(chunk: Buffer): void {
    this.#incoming.unshift(chunk);
  }

  dropInput(): number {
    const dropped = this.#incoming.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#incoming = [];
    return dropped;
  }

  startTls(_settings: TlsSettings): Promise<TlsFacts> {
    return Promise.resolve(TLS);
  }

  write(text: string): void {
    this.#output += text;
  }

  close(): void {
    this.#closed = true;
    this.#onIdle?.();
  }

  /** The client sends. */
  send(text: string): void {
    this.#incoming.push(Buffer.from(text, 'latin1'));
    this.#feed();
  }

  /** The client closes its side. */
  finish(): void {
    this.#hasEnded = true;
    this.#feed();
  }

  /** Resolves when the session waits for more, or has closed. */
  idle(): Promise<void> {
    if (this.#closed || this.#reader !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = null;
        resolve();
      };
    });
  }

  /** What the session has written since the last call. */
  takeOutput(): string {
    const output = this.#output;
    this.#output = '';
    return output;
  }

  #feed(): void {
    const reader = this.#reader;
    const chunk =
      reader === null ? undefined : (this.#incoming.shift() ?? (this.#hasEnded ? 'ended' : undefined));
    if (reader === null || chunk === undefined) return;
    this.#reader = null;
    reader(chunk);
  }
}
