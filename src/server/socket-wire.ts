// A wire over a TCP socket, or over the TLS socket that takes its place. What comes in waits in a list of chunks until
// the session asks for it; above a mark the socket is told to stop. A client that does not read its replies is not
// read from either.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TlsFacts, TlsSettings } from '../contract/tls.ts';
import type { Deadline, Deadlines } from '../engine/deadlines.ts';
import type { Chunk, Wire } from '../session/wire.ts';
import { handshake, tlsOver } from './tls-handshake.ts';

const MOST_WAITING = 128 * 1024;
// Time for the last reply to arrive before the socket is torn down under a client that goes on sending.
const LINGER_MS = 5000;

/** Who waits to hear whether something comes, without taking it. */
interface Watcher {
  readonly resolve: (isThere: boolean) => void;
  readonly deadline: Deadline;
}

export class SocketWire implements Wire {
  #socket: Socket;
  readonly #deadlines: Deadlines;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #broken = false;
  #closing = false;
  /** a handshake is under way: nothing may be said in clear any more, and nothing under TLS yet */
  #isShaking = false;
  #resolve: ((chunk: Chunk) => void) | null = null;
  #deadline: Deadline | null = null;
  #watchers: Watcher[] | null = null;
  readonly #onTimeout = () => this.#give('timeout');
  readonly #onData = (chunk: Buffer) => this.#receive(chunk);
  readonly #onEnd: () => void;
  readonly #onDrain = () => this.#wake();
  readonly #onError = () => {
    this.#broken = true;
  };
  readonly #onClose: () => void;

  /**
   * @param onLost called once when the connection is broken or closed
   * @param onEnded called when the client has closed its side: it may still read
   */
  constructor(socket: Socket, deadlines: Deadlines, onLost: () => void, onEnded: () => void = () => {}) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#onEnd = () => {
      this.#end();
      onEnded();
    };
    this.#onClose = () => {
      this.#broken = true;
      this.#end();
      onLost();
    };
    this.#listenTo(socket);
  }

  get broken(): boolean {
    return this.#broken;
  }

  get ended(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  /** The kernel has all that was written, and TLS has no farewell to add. */
  get #isAllSent(): boolean {
    return this.#socket.writableLength === 0 && !('encrypted' in this.#socket);
  }

  get #hasInput(): boolean {
    return this.#chunks.length > 0;
  }

  peek(waitMs: number): Promise<boolean> {
    const isOver = this.#ended || this.#broken || this.#closing;
    if (this.#hasInput || isOver || waitMs <= 0) return Promise.resolve(this.#hasInput);
    return new Promise((resolve) => {
      const deadline = this.#deadlines.set(waitMs, () => {
        this.#watchers = this.#watchers?.filter((other) => other !== watcher) ?? null;
        resolve(false);
      });
      const watcher = { resolve, deadline };
      this.#watchers = [...(this.#watchers ?? []), watcher];
    });
  }

  unread(chunk: Buffer): void {
    this.#chunks.unshift(chunk);
    this.#waiting += chunk.length;
  }

  dropInput(): number {
    // What a stopped socket holds comes through #onData.
    while (this.#socket.readableLength > 0 && this.#socket.read() !== null);
    const dropped = this.#waiting;
    this.#chunks = [];
    this.#waiting = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
    return dropped;
  }

  async startTls(settings: TlsSettings): Promise<TlsFacts> {
    const raw = this.#socket;
    if (this.#broken || this.#closing || this.#ended || this.#isShaking) {
      this.#broken = true;
      raw.destroy();
      throw new Error('the client left');
    }
    this.#isShaking = true;
    this.#leave(raw);
    raw.pause();
    if (this.#hasInput) raw.unshift(Buffer.concat(this.#chunks));
    this.#chunks = [];
    this.#waiting = 0;
    try {
      return await handshake(this.#changeTo(raw, settings), settings, this.#deadlines);
    } catch (error) {
      this.#broken = true;
      throw error;
    } finally {
      this.#isShaking = false;
    }
  }

  read(timeoutMs: number): Promise<Chunk> | Chunk {
    return this.#next() ?? this.#waitForNext(timeoutMs);
  }

  /** Gives a client that is waited for at most so many milliseconds more. */
  hurry(ms: number): void {
    if (this.#deadline !== null) this.#deadlines.shorten(this.#deadline, ms);
  }

  write(text: string): void {
    if (!this.#broken && !this.#closing && !this.#isShaking) this.#socket.write(text, 'latin1');
  }

  close(isDone = false): void {
    if (this.#broken || this.#closing) return;
    this.#closing = true;
    this.#chunks = [];
    this.#wake();
    this.#tellWatchers();
    // After QUIT most clients close at once: to wait for that costs system calls, and an error for the reset.
    if (this.#isShaking || (isDone && this.#isAllSent)) {
      this.#socket.destroy();
      return;
    }
    this.#socket.resume();
    this.#socket.end();
    // Closing while octets of the client lie unread would reset the connection and lose the last reply. A client
    // that has closed its side and takes no replies must not keep the connection either.
    const deadline = this.#deadlines.set(LINGER_MS, () => this.#socket.destroy());
    this.#socket.once('close', () => this.#deadlines.cancel(deadline));
  }

  /** Ends the connection at once, with last words for a client that can hear them. */
  tearDown(text: string): void {
    const socket = this.#socket;
    if (this.#broken || this.#isShaking || !socket.writable) socket.destroy();
    else socket.write(text, 'latin1', () => socket.destroy());
  }

  #listenTo(socket: Socket): void {
    socket.on('data', this.#onData).on('end', this.#onEnd).on('drain', this.#onDrain);
    // Clients reset connections all the time; 'close' follows and says all there is to say.
    socket.on('error', this.#onError).on('close', this.#onClose);
  }

  /** @throws Error when the settings are no good; the raw socket is then destroyed */
  #changeTo(raw: Socket, settings: TlsSettings): TLSSocket {
    try {
      const socket = tlsOver(raw, settings);
      this.#socket = socket;
      this.#listenTo(socket);
      // Errors of TLS itself, such as a forged record, come here, and leave the socket open.
      socket.on('_tlsError', () => {
        this.#broken = true;
        socket.destroy();
      });
      return socket;
    } catch (error) {
      raw.destroy();
      throw error;
    }
  }

  /** Its error listener stays: an error that nobody hears ends the process. */
  #leave(socket: Socket): void {
    socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain);
    socket.off('close', this.#onClose);
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

  #tellWatchers(): void {
    if (this.#watchers === null) return;
    const watchers = this.#watchers;
    this.#watchers = null;
    for (const { resolve, deadline } of watchers) {
      this.#deadlines.cancel(deadline);
      resolve(this.#hasInput);
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#closing) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > MOST_WAITING) this.#socket.pause();
    this.#tellWatchers();
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#tellWatchers();
    this.#wake();
  }
}
