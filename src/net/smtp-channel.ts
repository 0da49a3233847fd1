// The connection to a server that is mailed to: commands go out, and as many replies as they call for come in. What
// the server says beyond that ends the connection. Knows no command.

import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { ChannelError, type ConnectLimits, describeFailure, standing, TimeoutError } from './connecting.ts';
import { ReplyReader, type ServerReply, showReply } from './server-reply.ts';

/** Where a server listens: TCP, or a unix socket. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** The server has spoken out of turn: of its going, or before it has heard the end of a message. */
export class UnaskedReplyError extends ChannelError {
  readonly reply: ServerReply;

  constructor(reply: ServerReply) {
    super(`the server said unasked: ${showReply(reply)}`);
    this.reply = reply;
  }
}

interface Wanted {
  readonly count: number;
  readonly replies: ServerReply[];
  readonly timer: NodeJS.Timeout;
  readonly resolve: (replies: readonly ServerReply[]) => void;
}

const CLOSING = 421;
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

export class SmtpChannel {
  #socket: Socket;
  #reader = new ReplyReader();
  #wanted: Wanted | null = null;
  #failure: Error | null = null;
  #onRoom: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** @throws ChannelError */
  static async open(address: SocketAddress, limits: ConnectLimits): Promise<SmtpChannel> {
    const socket = connect({ ...address, noDelay: true });
    await standing(socket, 'connect', limits);
    return new SmtpChannel(socket);
  }

  /** why the connection is over; null while it stands */
  get failure(): Error | null {
    return this.#failure;
  }

  /** The connection stands, all is sent, and no reply is due. */
  get isIdle(): boolean {
    return this.#failure === null && this.#wanted === null && this.#socket.writableLength === 0;
  }

  get isEncrypted(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** Under TLS, with a certificate that is good for the server's name. */
  get isVerified(): boolean {
    return this.#socket instanceof TLSSocket && this.#socket.authorized;
  }

  /** The server is on this machine. */
  get isLocal(): boolean {
    const { remoteAddress } = this.#socket;
    return remoteAddress === undefined || LOOPBACK.test(remoteAddress);
  }

  /** Keeps no process alive: to be called while the connection waits for the next message. */
  unref(): void {
    this.#socket.unref();
  }

  ref(): void {
    this.#socket.ref();
  }

  /**
   * Sends, and waits for the replies. There are fewer of them behind a 421, and when the connection is lost or a reply
   * does not come in time; `failure` then says why, and the connection is over.
   *
   * @param data text has one octet a character
   * @param timeoutMs for each of the replies
   */
  exchange(data: string | Buffer, count: number, timeoutMs: number): Promise<readonly ServerReply[]> {
    if (this.#failure !== null) return Promise.resolve([]);
    return new Promise((resolve) => {
      const late = () => this.#fail(new TimeoutError(`no answer within ${timeoutMs / 1000} s`));
      this.#wanted = { count, replies: [], timer: setTimeout(late, timeoutMs), resolve };
      if (data.length > 0) this.#socket.write(data, 'latin1');
    });
  }

  /**
   * Sends part of a message. A promise comes back when the server has to catch up first. Whether the connection still
   * stands is to be asked of `failure` afterwards.
   */
  send(chunk: Buffer, timeoutMs: number): Promise<void> | undefined {
    if (this.#failure !== null || this.#socket.write(chunk)) return undefined;
    return new Promise((resolve) => {
      const late = () =>
        this.#fail(new TimeoutError(`the server has read nothing for ${timeoutMs / 1000} s`));
      const timer = setTimeout(late, timeoutMs);
      this.#onRoom = () => {
        clearTimeout(timer);
        this.#onRoom = null;
        resolve();
      };
    });
  }

  /** @throws ChannelError when the handshake does not succeed; the connection is then over */
  async startTls(options: ConnectionOptions, limits: ConnectLimits): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    // What a server sends in clear behind its 220 may be somebody else's (RFC 3207 section 5).
    if (!this.#reader.isEmpty)
      throw this.#fail(new ChannelError('the server sends text in clear before TLS'));
    const raw = this.#socket;
    this.#unlisten();
    // The TLS socket tells of errors; a raw one without listener would end the process.
    raw.on('error', () => {});
    const secure = connectTls({ ...options, socket: raw });
    try {
      await standing(secure, 'secureConnect', limits);
    } catch (error) {
      raw.destroy();
      this.#failure = error instanceof Error ? error : new ChannelError(String(error));
      throw error;
    }
    this.#socket = secure;
    this.#reader = new ReplyReader();
    this.#listen();
  }

  close(): void {
    this.#fail(new ChannelError('the connection is closed'));
  }

  readonly #onData = (chunk: Buffer) => {
    try {
      this.#reader.push(chunk, (reply) => this.#take(reply));
    } catch (error) {
      this.#fail(error instanceof Error ? error : new ChannelError(String(error)));
    }
  };
  readonly #onDrain = () => this.#onRoom?.();
  readonly #onError = (error: Error) => void this.#fail(new ChannelError(describeFailure(error)));
  readonly #onEnd = () => void this.#fail(new ChannelError('the server has closed the connection'));

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', this.#onData).on('drain', this.#onDrain);
    socket.on('error', this.#onError).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  #unlisten(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData).off('drain', this.#onDrain);
    socket.off('error', this.#onError).off('end', this.#onEnd).off('close', this.#onEnd);
  }

  #take(reply: ServerReply): void {
    const wanted = this.#wanted;
    if (this.#failure !== null) return;
    if (wanted === null) return void this.#fail(new UnaskedReplyError(reply));
    wanted.replies.push(reply);
    if (reply.code === CLOSING) this.#fail(new ChannelError(`the server closes: ${showReply(reply)}`));
    else if (wanted.replies.length === wanted.count) this.#settle(wanted);
    else wanted.timer.refresh();
  }

  #settle({ timer, resolve, replies }: Wanted): void {
    this.#wanted = null;
    clearTimeout(timer);
    resolve(replies);
  }

  #fail(error: Error): Error {
    if (this.#failure !== null) return this.#failure;
    this.#failure = error;
    this.#socket.destroy();
    if (this.#wanted !== null) this.#settle(this.#wanted);
    this.#onRoom?.();
    return error;
  }
}
