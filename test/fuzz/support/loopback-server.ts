// A real server with the plugin tls on loopback, and whether anything is left of a client that is gone.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from '../../../plugins/tls.ts';
import * as api from '../../../src/api.ts';
import { systemClock } from '../../../src/cli/assemble.ts';
import { Stage } from '../../../src/cli/transcript/stage.ts';
import { ConnectionLimits } from '../../../src/server/connection-limits.ts';
import { SmtpServer } from '../../../src/server/smtp-server.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { Random, seedOf } from './random.ts';

const LONGEST_WAIT_MS = 15_000;

export class LoopbackServer {
  readonly #folder: string;
  readonly #stage: Stage;
  readonly #server: SmtpServer;
  readonly #limits = new ConnectionLimits({ connections: 0, fromIp: 0 });
  readonly #ports = { clear: 0, tls: 0 };

  private constructor(folder: string, stage: Stage) {
    this.#folder = folder;
    this.#stage = stage;
    const { engine, spool } = stage;
    this.#server = new SmtpServer({
      engine: () => engine,
      spool,
      limits: this.#limits,
      reverseName: () => 'client.example',
    });
  }

  /** @param config lines of config files */
  static async open(config: Readonly<Record<string, readonly string[]>> = {}): Promise<LoopbackServer> {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-fuzz-'));
    const { cert, key } = makeCertificate('mx.example');
    writeFileSync(join(folder, 'crt'), cert);
    writeFileSync(join(folder, 'key'), key);
    const stage = await Stage.open({
      program: { version: '0.0.0', bundled: { tls: async () => ({ default: tls }) }, api },
      setup: {
        plugins: [`tls ${join(folder, 'crt')} ${join(folder, 'key')}`],
        logging: [],
        config: new Map(Object.entries(config)),
        maps: new Map(),
        env: {},
      },
      clock: systemClock,
      pluginDirs: [],
    });
    const server = new LoopbackServer(folder, stage);
    await server.#listen();
    return server;
  }

  async #listen(): Promise<void> {
    this.#ports.clear = (await this.#server.listen({ host: '127.0.0.1', port: 0 })).port;
    this.#ports.tls = (await this.#server.listen({ host: '127.0.0.1', port: 0, tls: true })).port;
    this.#server.open();
  }

  /**
   * Lets a client do its worst. Its socket has to be closed then, whoever closes it, and nothing may be left of it.
   *
   * @throws AssertionError
   */
  async serve(port: 'clear' | 'tls', attack: (socket: Socket) => Promise<void> | void): Promise<void> {
    const socket = connect(this.#ports[port], '127.0.0.1');
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, LONGEST_WAIT_MS);
    socket.on('error', () => {});
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await attack(socket);
    await closed;
    clearTimeout(late);
    assert.ok(!isLate, 'the server does not close');
    await this.#settle();
    const fault = this.#stage.takeLog().find((line) => /\berror, /.test(line));
    assert.equal(fault, undefined);
  }

  async #settle(): Promise<void> {
    const begun = performance.now();
    const { deadlines } = this.#stage.engine;
    while (this.#limits.total > 0 || deadlines.size > 0) {
      assert.ok(performance.now() - begun < LONGEST_WAIT_MS, `left behind: ${this.#server.status}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    await this.#server.stop(0);
    this.#stage.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Sends octets in a few pieces and closes the client's side. */
export function sendAll(socket: Socket, octets: Buffer): void {
  const random = new Random(seedOf(octets));
  for (let at = 0; at < octets.length; ) {
    const length = Math.max(1, octets.length >> random.below(4));
    socket.write(octets.subarray(at, at + length));
    at += length;
  }
  socket.end();
}

/** Resolves when the server has said something, or has hung up. */
export function heard(socket: Socket, words: string): Promise<void> {
  return new Promise((resolve) => {
    let said = '';
    socket.once('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (said.includes(words)) resolve();
    });
  });
}
