// Sessions with STARTTLS and nothing else: connect, EHLO, STARTTLS, handshake, EHLO, QUIT. No session is resumed, and
// all servers agree on X25519, whatever else they could do.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { DOMAIN } from './targets/target.ts';

export interface TlsLoad {
  readonly sessions: number;
  readonly atOnce: number;
}

/** Runs the sessions and gives the seconds they took. @throws Error when one fails */
export async function runTlsSessions(load: TlsLoad, port: number, signal: AbortSignal): Promise<number> {
  const context = createSecureContext({ ca: [], ecdhCurve: 'X25519' });
  const started = performance.now();
  let left = load.sessions;
  const one = async () => {
    while (left > 0) {
      left--;
      await runSession(port, context, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.min(load.atOnce, load.sessions) }, one));
  return (performance.now() - started) / 1000;
}

async function runSession(port: number, secureContext: SecureContext, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  try {
    const plain = new Dialog(socket, signal);
    await plain.reply('220');
    await plain.command(`EHLO client.${DOMAIN}`, '250');
    await plain.command('STARTTLS', '220');
    plain.leave();
    const tls = connectTls({ socket, secureContext, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    await once(tls, 'secureConnect', { signal });
    // Node crashes when a socket is destroyed within this very callback.
    await new Promise((resolve) => setImmediate(resolve));
    const secure = new Dialog(tls, signal);
    await secure.command(`EHLO client.${DOMAIN}`, '250');
    await secure.command('QUIT', '221');
    secure.leave();
    tls.end();
    tls.resume();
    await once(tls, 'close', { signal });
  } finally {
    socket.destroy();
  }
}

/** One command is under way at a time, so whatever has come belongs to one reply. */
class Dialog {
  readonly #socket: Socket | TLSSocket;
  readonly #signal: AbortSignal;
  readonly #onData = (chunk: Buffer) => this.#take(chunk);
  readonly #onEnd = () => this.#fail(new Error('the server hung up'));
  readonly #onError = (error: Error) => this.#fail(error);
  #received = '';
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    socket.on('data', this.#onData).on('error', this.#onError).on('close', this.#onEnd);
  }

  async command(line: string, expected: string): Promise<void> {
    this.#socket.write(`${line}\r\n`);
    await this.reply(expected);
  }

  async reply(expected: string): Promise<void> {
    while (!/^\d{3} .*\r\n$/m.test(this.#received)) {
      if (this.#failure !== null) throw this.#failure;
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const text = this.#received;
    this.#received = '';
    if (!text.startsWith(expected)) throw new Error(`answered '${text.trim()}' where ${expected} was due`);
  }

  /** The socket is somebody else's from now on. Errors are still taken. */
  leave(): void {
    this.#socket.off('data', this.#onData).off('close', this.#onEnd);
    this.#socket.pause();
  }

  #take(chunk: Buffer): void {
    this.#received += chunk.toString('latin1');
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}
