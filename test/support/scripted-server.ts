// A mail server for tests of clients, which says what the test wants when the test wants it. Each connection is given
// to a script; `obey` is the part of a script that does as a server should, but for what it is told to do otherwise.

import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';
import { cleanUp } from './cleanup.ts';

const EMPTY_MESSAGE = '.\r\n';

export type Script = (peer: ScriptedPeer, nth: number) => Promise<void>;

export interface ScriptedServer {
  readonly port: number;
  /** connections so far */
  readonly connections: number;
  /** Waits until all scripts are over. @throws what a script has thrown */
  finished(): Promise<void>;
  close(): Promise<void>;
}

/** The client has gone where a script waited for it. */
class GoneError extends Error {}

/** Listens on loopback, or on a unix socket; closed after the test (or suite, or file) that called this. */
export async function startScriptedServer(
  script: Script,
  where: { readonly path: string } | { readonly host: string } = { host: '127.0.0.1' },
): Promise<ScriptedServer> {
  const scripts: Promise<void>[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const peer = new ScriptedPeer(socket);
    const run = script(peer, scripts.length).catch((error: unknown) => {
      socket.destroy();
      if (!(error instanceof GoneError)) throw error;
    });
    // Looked at by `finished`, or by nobody.
    run.catch(() => {});
    scripts.push(run);
  });
  await listening(server, where);
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  cleanUp(close);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return scripts.length;
    },
    finished: async () => void (await Promise.all(scripts)),
    close,
  };
}

function listening(server: Server, where: { path: string } | { host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen('path' in where ? where : { ...where, port: 0 }, resolve);
  });
}

/** What a server that obeys does otherwise, and what it has seen. */
export interface Behaviour {
  /** behind the first line of the reply to EHLO */
  readonly offers?: readonly string[];
  /** replies in place of the usual ones, by the beginning of the command line; `.` is the end of a message */
  readonly replies?: Readonly<Record<string, string>>;
  /** whether the greeting has been given */
  readonly isGreeted?: boolean;
}

export class ScriptedPeer {
  #socket: Socket;
  #unread = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  #isGone = false;
  /** command lines so far */
  readonly commands: string[] = [];
  /** messages so far, as they were sent: with dots and end mark, or as BDAT had them; one octet a character */
  readonly messages: string[] = [];
  /** reads in which something came, with what came */
  readonly reads: string[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** whether the client has gone */
  get isGone(): boolean {
    return this.#isGone;
  }

  say(...lines: readonly string[]): void {
    if (!this.#socket.destroyed) this.#socket.write(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
  }

  /** octets as they are */
  write(octets: string): void {
    this.#socket.write(octets, 'latin1');
  }

  end(): void {
    this.#socket.end();
  }

  /** Leaves with RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  async line(): Promise<string> {
    const line = await this.#until('\r\n');
    this.commands.push(line.slice(0, -2));
    return line.slice(0, -2);
  }

  async octets(count: number): Promise<string> {
    while (this.#unread.length < count) await this.#more();
    return this.#take(count);
  }

  /** content and end mark */
  async message(): Promise<string> {
    while (this.#unread.length < EMPTY_MESSAGE.length) await this.#more();
    const start = this.#unread.toString('latin1', 0, EMPTY_MESSAGE.length);
    return start === EMPTY_MESSAGE ? this.octets(start.length) : this.#until(`\r\n${EMPTY_MESSAGE}`);
  }

  /** Waits until the client has gone. */
  async gone(): Promise<void> {
    while (!this.#isGone) await this.#more().catch(() => {});
  }

  async startTls(options: TlsOptions): Promise<void> {
    this.#socket.removeAllListeners('data');
    this.#unread = Buffer.alloc(0);
    const secure = new TLSSocket(this.#socket, { ...options, isServer: true });
    this.#socket = secure;
    this.#listen();
    await new Promise<void>((resolve, reject) => {
      secure.once('secure', () => resolve());
      secure.once('close', () => reject(new GoneError('no handshake')));
    });
  }

  /** Greets, and answers command after command until the client has gone or has said QUIT. */
  async obey(behaviour: Behaviour = {}): Promise<void> {
    if (!behaviour.isGreeted) this.say(behaviour.replies?.['greeting'] ?? '220 scripted.example ESMTP');
    for (;;) {
      const line = await this.line();
      await this.#answer(line, behaviour);
      if (line === 'QUIT') return this.end();
    }
  }

  #rcpts = 0;

  async #answer(line: string, { offers = [], replies = {} }: Behaviour): Promise<void> {
    const [, given] = Object.entries(replies).find(([start]) => line.startsWith(start)) ?? [];
    const verb = line.split(' ')[0] ?? '';
    if (verb === 'EHLO' || verb === 'LHLO' || verb === 'HELO') {
      const lines = ['scripted.example', ...(verb === 'HELO' ? [] : offers)];
      this.say(
        ...(given?.split('\n') ?? lines.map((text, at) => `250${at + 1 < lines.length ? '-' : ' '}${text}`)),
      );
      return;
    }
    if (verb === 'MAIL' || verb === 'RSET') this.#rcpts = 0;
    const reply = given ?? (verb === 'DATA' ? '354 go on' : verb === 'QUIT' ? '221 bye' : '250 2.0.0 ok');
    if (verb === 'RCPT' && reply.startsWith('2')) this.#rcpts++;
    if (verb === 'BDAT') this.messages.push(await this.octets(Number(line.split(' ')[1])));
    this.say(...reply.split('\n'));
    if (verb !== 'DATA' || !reply.startsWith('354')) return;
    this.messages.push(await this.message());
    const isLmtp = this.commands.some((command) => command.startsWith('LHLO'));
    const usual = Array.from({ length: isLmtp ? this.#rcpts : 1 }, () => '250 2.0.0 queued');
    this.say(...(replies['.']?.split('\n') ?? usual));
  }

  #listen(): void {
    const wake = () => {
      this.#isGone = true;
      this.#wake?.();
    };
    this.#socket.on('error', () => {});
    this.#socket.on('end', wake).on('close', wake);
    this.#socket.on('data', (chunk: Buffer) => {
      this.reads.push(chunk.toString('latin1'));
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.#wake?.();
    });
  }

  async #until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#unread.indexOf(mark);
      if (at >= 0) return this.#take(at + mark.length);
      await this.#more();
    }
  }

  #take(count: number): string {
    const taken = this.#unread.subarray(0, count).toString('latin1');
    this.#unread = this.#unread.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#isGone) throw new GoneError('the client has gone');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
