// A raw SMTP client for tests: sends any octets in any pieces, reads whole replies, and may leave in every way a
// client can. It knows nothing of SMTP but what a reply looks like (RFC 5321 section 4.2.1).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { cleanUp } from './cleanup.ts';

const REPLY_MS = 15_000;
const REPLY = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/;

/** A code, or a pattern for the whole reply. */
export type Expected = number | RegExp;

/** Connects; the socket is destroyed after the test (or suite, or file) that called this. */
export async function connect(port: number, host = '127.0.0.1'): Promise<SmtpDialog> {
  const socket = createConnection({ port, host, noDelay: true });
  cleanUp(() => void socket.destroy());
  await once(socket, 'connect');
  return new SmtpDialog(socket);
}

/** Connects, takes the greeting and says EHLO. */
export async function greeted({ port }: { readonly port: number }, host?: string): Promise<SmtpDialog> {
  const client = await connect(port);
  await client.greet(host);
  return client;
}

export class SmtpDialog {
  /** the client's port, by which logs may know it */
  readonly localPort: number;
  readonly #socket: Socket;
  #received = '';
  #reads = 0;
  #isOver = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  /** @param socket connected */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.localPort = socket.localPort ?? 0;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#reads++;
      this.#wake?.();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#isOver = true;
        this.#wake?.();
      });
    }
  }

  /** what came and was not asked for yet, one octet a character */
  get received(): string {
    return this.#received;
  }

  /** how often something came */
  get reads(): number {
    return this.#reads;
  }

  /** octets that the kernel has not taken yet */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** @param data text is sent one octet a character */
  send(data: string | Buffer): void {
    if (this.#socket.writable)
      this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Sends every octet in a segment of its own. */
  async trickle(data: string | Buffer): Promise<void> {
    const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    for (let at = 0; at < octets.length && this.#socket.writable; at++) {
      this.#socket.write(octets.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next reply, its lines joined by LF. @throws AssertionError when it is another one, or none comes */
  async expect(expected: Expected): Promise<string> {
    const reply = await this.#nextReply(expected);
    if (typeof expected === 'number')
      assert.equal(Number(reply.slice(0, 3)), expected, `the reply is: ${reply}`);
    else assert.match(reply, expected);
    return reply;
  }

  /** Sends a line and reads the reply to it. */
  command(line: string, expected: Expected): Promise<string> {
    this.send(`${line}\r\n`);
    return this.expect(expected);
  }

  /** Greeting and EHLO. Gives the reply to EHLO. */
  async greet(host = 'client.example'): Promise<string> {
    await this.expect(220);
    return this.command(`EHLO ${host}`, 250);
  }

  /** MAIL and RCPT, both accepted. */
  async envelope(sender: string, ...recipients: readonly string[]): Promise<void> {
    await this.command(`MAIL FROM:<${sender}>`, 250);
    for (const recipient of recipients) await this.command(`RCPT TO:<${recipient}>`, 250);
  }

  /** MAIL, RCPT and DATA, all accepted: the message may come. */
  async openData(sender: string, ...recipients: readonly string[]): Promise<void> {
    await this.envelope(sender, ...recipients);
    await this.command('DATA', 354);
  }

  /** Waits until the server has closed its side. Gives what came and was not asked for. */
  async closed(): Promise<string> {
    await this.#until(() => this.#isOver, 'the server did not close the connection');
    return this.#received;
  }

  /** Stops and starts reading: a client that does not take its replies. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** No more comes from the client; it goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Leaves with RST, as a client does that crashes. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Leaves without a word. */
  close(): void {
    this.#socket.destroy();
  }

  async #nextReply(expected: Expected): Promise<string> {
    await this.#until(() => REPLY.test(this.#received) || this.#isOver, `no reply came, ${expected} was due`);
    const [reply] = REPLY.exec(this.#received) ?? [];
    if (reply === undefined) {
      const why = this.#error === null ? 'closed' : `broken (${this.#error.message})`;
      assert.fail(`the connection is ${why} where ${expected} was due; unread: ${this.#received}`);
    }
    this.#received = this.#received.slice(reply.length);
    return reply.trimEnd().replaceAll('\r\n', '\n');
  }

  async #until(isDone: () => boolean, complaint: string): Promise<void> {
    const late = Symbol('late');
    const { promise, resolve } = Promise.withResolvers<typeof late>();
    const deadline = setTimeout(() => resolve(late), REPLY_MS);
    try {
      while (!isDone()) {
        const something = new Promise<null>((wake) => {
          this.#wake = () => wake(null);
        });
        const came = await Promise.race([something, promise]);
        if (came === late) assert.fail(`${complaint} within ${REPLY_MS} ms; unread: ${this.#received}`);
      }
    } finally {
      clearTimeout(deadline);
      this.#wake = null;
    }
  }
}
