// The connection to a program that takes messages by a protocol of its own, over TCP or a unix socket: octets out, with
// room waited for, octets in, with a limit on the time without any.

import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { ServerName } from './_servers.ts';

export interface PeerLimits {
  /** milliseconds until the connection stands */
  readonly connectMs: number;
  /** milliseconds in which something has to come or go */
  readonly idleMs: number;
  /** ends the connection */
  readonly signal: AbortSignal;
}

/** The peer cannot be reached, is gone, is too slow, or speaks another language. `message` is for the log. */
export class PeerError extends Error {}

const MOST_UNREAD = 65_536;
const SLICE = 65_536;

export class Peer {
  readonly #socket: Socket;
  #unread = Buffer.alloc(0);
  #failure: PeerError | null = null;
  #hasEnded = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      if (this.#unread.length > MOST_UNREAD) this.#fail('says more than it may');
      this.#wake?.();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#wake?.();
    });
    socket.on('drain', () => this.#wake?.());
    socket.on('timeout', () => this.#fail('does not answer in time'));
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('close', () => this.#fail('has closed the connection'));
  }

  /** @throws PeerError */
  static async connect(address: ServerName, { connectMs, idleMs, signal }: PeerLimits): Promise<Peer> {
    if (signal.aborted) throw new PeerError('given up');
    // What it has said before it closed is still to be read, when writing fails.
    const socket = connect({ ...address, noDelay: true, allowHalfOpen: true });
    const peer = new Peer(socket);
    const onAbort = () => peer.#fail('given up');
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    socket.setTimeout(connectMs);
    let isThere = false;
    socket.once('connect', () => {
      isThere = true;
      peer.#wake?.();
    });
    await peer.#until(() => isThere);
    socket.setTimeout(idleMs);
    return peer;
  }

  /** Sends octets, and waits while the peer has to catch up; stops where it has spoken. @throws PeerError */
  async write(octets: Buffer): Promise<void> {
    for (let from = 0; from < octets.length; from += SLICE) {
      // Who has heard enough answers and goes: that must be read before the next write fails.
      if (from > 0) await setImmediate();
      if (this.#failure !== null) throw this.#failure;
      if (this.hasSpoken) return;
      if (this.#socket.write(octets.subarray(from, from + SLICE))) continue;
      await this.#until(() => !this.#socket.writableNeedDrain || this.hasSpoken);
    }
  }

  /**
   * Reads until what has come makes sense.
   *
   * @param parse gives null while more has to come
   * @throws PeerError; whatever `parse` throws
   */
  async read<T>(parse: (octets: Buffer) => { readonly value: T; readonly used: number } | null): Promise<T> {
    let found = parse(this.#unread);
    while (found === null) {
      const seen = this.#unread.length;
      if (this.#hasEnded) throw this.#failure ?? new PeerError('has closed the connection');
      await this.#until(() => this.#unread.length > seen || this.#hasEnded);
      found = parse(this.#unread);
    }
    this.#unread = this.#unread.subarray(found.used);
    return found.value;
  }

  /** Something has come that is not read yet, or the peer says no more: writing on makes no sense. */
  get hasSpoken(): boolean {
    return this.#unread.length > 0 || this.#hasEnded;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #fail(why: string): void {
    this.#failure ??= new PeerError(why);
    this.#socket.destroy();
    this.#wake?.();
  }
}
