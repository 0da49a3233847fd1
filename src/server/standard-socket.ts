// The client on standard input and output as a socket: it is one where inetd or tcpserver starts the program; a pair of
// pipes can be had to look like one.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';

export function standardInputIsSocket(): boolean {
  try {
    return fstatSync(0).isSocket();
  } catch {
    return false;
  }
}

/** A socket that reads one stream and writes another; under TLS, too. */
class PipedSocket extends Socket {
  readonly #input: Readable;
  readonly #output: Writable;

  constructor(input: Readable, output: Writable) {
    super({ allowHalfOpen: true });
    this.#input = input;
    this.#output = output;
    input.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) input.pause();
    });
    input.on('end', () => this.push(null));
    // Whoever reads our replies is gone: that is a lost client, and nothing else.
    for (const stream of [input, output]) stream.on('error', (error) => this.destroy(error));
    input.pause();
  }

  override unref(): this {
    if (this.#input instanceof Socket) this.#input.unref();
    return this;
  }

  override _read(): void {
    this.#input.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#output.write(chunk, (error) => done(error));
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const octets = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this.#output.write(Buffer.concat(octets), (error) => done(error));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#output.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#input.destroy();
    this.#output.destroy();
    done(error);
  }
}

/** Standard input and output as a connection. There is one of it in a process: a descriptor can be opened once. */
export class StandardConnection {
  #socket: Socket | null = null;

  /** The socket; it is not read from yet. Nobody else may use standard input and output from here on. */
  get socket(): Socket {
    this.#socket ??= openStandardSocket();
    return this.#socket;
  }

  /** Whether a super-server has put a client there. Node's own children have sockets, too, but none of TCP. */
  get hasClient(): boolean {
    if (!standardInputIsSocket()) return false;
    const { socket } = this;
    if (socket.remoteAddress !== undefined) return true;
    // It has begun to read, which would keep the process.
    socket.pause();
    socket.unref();
    return false;
  }
}

function openStandardSocket(): Socket {
  if (!standardInputIsSocket()) return new PipedSocket(process.stdin, process.stdout);
  const socket = new Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true });
  // A client that is gone already must not end the process before anybody listens.
  socket.on('error', () => {});
  socket.setNoDelay(true);
  const isBoth = socket.remoteAddress !== undefined || isSameFile(0, 1);
  // Programs of our own kind make pipes out of sockets: replies go to the other one.
  if (!isBoth) return new PipedSocket(socket, process.stdout);
  if (isSameFile(0, 2)) hideErrors();
  keepFromOthers();
  return socket;
}

/** inetd and xinetd make the client standard error, too: our log is not for it, and it waits for our last close. */
function hideErrors(): void {
  closeSync(2);
  // The lowest number that is free.
  openSync('/dev/null', 'w');
}

/**
 * A plugin that imports node:process has Node read every field of it, and a second handle on the client's descriptor
 * throws (EEXIST). What a plugin prints is not for the client either.
 */
function keepFromOthers(): void {
  Object.defineProperty(process, 'stdin', { value: Readable.from([]), configurable: true });
  Object.defineProperty(process, 'stdout', { value: process.stderr, configurable: true });
}

function isSameFile(one: number, other: number): boolean {
  try {
    return fstatSync(one).ino === fstatSync(other).ino;
  } catch {
    return false;
  }
}
