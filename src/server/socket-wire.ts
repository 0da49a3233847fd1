// A wire over a TCP socket. What comes in waits in a list of chunks until the session asks for it; above a mark
// the socket is told to stop. A client that does not read its replies is not read from either.

import type { Socket } from 'node:net';
import type { TlsFacts, TlsSettings } from '../contract/tls.ts';
import type { Deadline, Deadlines } from '../engine/deadlines.ts';
import type { Chunk, Wire } from '../session/wire.ts';

const MOST_WAITING = 128 * 1024;
// Time for the last reply to arrive before the socket is torn down under a client that goes on sending.
const LINGER_MS = 5000;

export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #deadlines: Deadlines;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #broken = false;
  #closing = false;
  #resolve: ((chunk: Chunk) => void) | null = null;
  #deadline: Deadline | null = null;
  readonly #onTimeout = () => this.#give('timeout');

  /** @param onLost called once when the connection is broken or closed by the client */
  constructor(socket: Socket, deadlines: Deadlines, onLost: () => void) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#end());
    socket.on('drain', () => this.#wake());
    // Clients reset connections all the time; 'close' follows and says all there is to say.
    socket.on('error', () => {
      this.#broken = true;
    });
    socket.on('close', () => {
      this.#broken = true;
      this.#end();
      onLost();
    });
  }

  get broken(): boolean {
    return this.#broken;
  }

  get ended(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  get #hasInput(): boolean {
    return this.#chunks.length > 0;
  }

  async peek(waitMs: number): Promise<boolean> {
    if (this.#hasInput || this.ended || this.#broken || waitMs <= 0) return this.#hasInput;
    const chunk = await this.#waitForNext(waitMs);
    if (typeof chunk === 'string') return false;
    this.unread(chunk);
    return true;
  }

  unread(chunk: Buffer): void {
    this.#chunks.unshift(chunk);
    this.#waiting += chunk.length;
  }

  dropInput(): number {
    const dropped = this.#waiting;
    this.#chunks = [];
    this.#waiting = 0;
    return dropped;
  }

  startTls(_settings: TlsSettings): Promise<TlsFacts> {
    return Promise.reject(new Error('TLS is not there yet'));
  }

  read(timeoutMs: number): Promise<Chunk> | Chunk {
    return this.#next() ?? this.#waitForNext(timeoutMs);
  }

  write(text: string): void {
    if (!this.#broken && !this.#closing) this.#socket.write(text, 'latin1');
  }

  close(): void {
    if (this.#broken || this.#closing) return;
    this.#closing = true;
    this.#chunks = [];
    this.#wake();
    this.#socket.resume();
    this.#socket.end();
    // Closing while octets of the client lie unread would reset the connection and lose the last reply. A client
    // that has closed its side and takes no replies must not keep the connection either.
    const deadline = this.#deadlines.set(LINGER_MS, () => this.#socket.destroy());
    this.#socket.once('close', () => this.#deadlines.cancel(deadline));
  }

  #next(): Chunk | null {
    if (this.#broken || this.#closing) return 'ended';
    if (this.#socket.writableNeedDrain) return null;
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return this.#ended ? 'ended' : null;
    this.#waiting -= chunk.length;
    if (this.#waiting <= MOST_WAITING && this.#socket.isPaused()) this.#socket.resume();
    return chunk;
  }

  #waitForNext(timeoutMs: number): Promise<Chunk> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#deadline = this.#deadlines.set(timeoutMs, this.#onTimeout);
    });
  }

  /** Gives the reader what it waits for, if it is there now. */
  #wake(): void {
    if (this.#resolve === null) return;
    const next = this.#next();
    if (next !== null) this.#give(next);
  }

  #give(chunk: Chunk): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    if (this.#deadline !== null) this.#deadlines.cancel(this.#deadline);
    this.#deadline = null;
    resolve?.(chunk);
  }

  #receive(chunk: Buffer): void {
    if (this.#closing) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > MOST_WAITING) this.#socket.pause();
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}
