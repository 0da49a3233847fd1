// A session with plugins of the test's own: the stage of the transcripts, and a wire whose writes can be counted
// and whose client can leave in any way.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as api from '../../src/api.ts';
import { systemClock } from '../../src/cli/assemble.ts';
import type { ClientFacts } from '../../src/cli/transcript/parse.ts';
import { Stage } from '../../src/cli/transcript/stage.ts';
import type { HookTable } from '../../src/contract/hooks.ts';
import { type Clock, definePlugin } from '../../src/contract/plugin.ts';
import type { Session } from '../../src/session/session.ts';
import type { Chunk, Wire } from '../../src/session/wire.ts';
import { cleanUp } from '../support/cleanup.ts';

export interface TalkOptions {
  /** handlers by plugin; a name with words is the plugin's line */
  readonly plugins?: Readonly<Record<string, HookTable>>;
  /** lines of config files */
  readonly config?: Readonly<Record<string, readonly string[]>>;
  readonly client?: ClientFacts;
  /** the time of day, unless the test makes its own */
  readonly clock?: Clock;
}

export class TestWire implements Wire {
  broken = false;
  /** how often the session has closed it */
  closings = 0;
  readonly writes: string[] = [];
  /** runs when the client is gone */
  onLost: () => void = () => {};
  readonly #incoming: Buffer[] = [];
  #hasEnded = false;
  #reader: ((chunk: Chunk) => void) | null = null;
  #onIdle: (() => void) | null = null;

  get ended(): boolean {
    return this.#hasEnded && this.#incoming.length === 0;
  }

  read(): Promise<Chunk> | Chunk {
    const chunk = this.#next();
    if (chunk !== null) return chunk;
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#onIdle?.();
    });
  }

  peek(): Promise<boolean> {
    return Promise.resolve(this.#incoming.length > 0);
  }

  unread(chunk: Buffer): void {
    this.#incoming.unshift(chunk);
  }

  dropInput(): number {
    return this.#incoming.splice(0).reduce((sum, chunk) => sum + chunk.length, 0);
  }

  startTls(): Promise<never> {
    return Promise.reject(new Error('there is no TLS on this wire'));
  }

  write(text: string): void {
    this.writes.push(text);
  }

  close(): void {
    this.closings++;
    this.#onIdle?.();
  }

  /** The client sends, in one piece. */
  send(text: string): void {
    this.#incoming.push(Buffer.from(text, 'latin1'));
    this.#feed();
  }

  /** The client closes its side. */
  finish(): void {
    this.#hasEnded = true;
    this.#feed();
  }

  /** The connection breaks. */
  break(): void {
    this.broken = true;
    this.onLost();
    this.#feed();
  }

  /** The client has been silent for too long. */
  expire(): void {
    const reader = this.#reader;
    assert.ok(reader, 'the session does not wait for the client');
    this.#reader = null;
    reader('timeout');
  }

  /** Resolves when the session waits for the client, or has closed. */
  idle(): Promise<void> {
    if (this.#reader !== null || this.closings > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = null;
        resolve();
      };
    });
  }

  #next(): Chunk | null {
    if (this.broken) return 'ended';
    return this.#incoming.shift() ?? (this.#hasEnded ? 'ended' : null);
  }

  #feed(): void {
    const reader = this.#reader;
    const chunk = reader === null ? null : this.#next();
    if (reader === null || chunk === null) return;
    this.#reader = null;
    reader(chunk);
  }
}

export class Talk {
  readonly stage: Stage;
  readonly wire = new TestWire();
  readonly session: Session;
  readonly over: Promise<void>;
  greeting = '';
  readonly #stopping = { isStopping: false, isStressed: false };
  #read = 0;

  constructor(stage: Stage, client: ClientFacts) {
    this.stage = stage;
    const { session, over } = stage.serve(client, this.wire, this.#stopping);
    this.session = session;
    this.over = over;
    this.wire.onLost = () => session.connection.lost();
  }

  /** Sends lines in one piece. Gives the replies to them, their lines joined by LF. */
  async say(...lines: readonly string[]): Promise<string> {
    return this.send(lines.map((line) => `${line}\r\n`).join(''));
  }

  /** Sends octets as they are. */
  async send(octets: string): Promise<string> {
    this.wire.send(octets);
    return this.replies();
  }

  /** What has been written since the last call, once the session waits or has closed. */
  async replies(): Promise<string> {
    await this.wire.idle();
    const text = this.wire.writes.slice(this.#read).join('');
    this.#read = this.wire.writes.length;
    return text.trimEnd().replaceAll('\r\n', '\n');
  }

  /** The server shuts down. */
  stop(): void {
    this.#stopping.isStopping = true;
  }

  /** EHLO, MAIL, RCPT and DATA; the message may come. */
  async openData(): Promise<void> {
    const replies = await this.say(
      'EHLO client.example',
      'MAIL FROM:<a@a.example>',
      'RCPT TO:<b@b.example>',
      'DATA',
    );
    assert.match(replies, /^354 /m);
  }

  /** Most places of the server are taken. */
  stress(): void {
    this.#stopping.isStressed = true;
  }

  get isClosed(): boolean {
    return this.wire.closings > 0;
  }

  /** what is left in spool_dir */
  get spooled(): readonly string[] {
    return readdirSync(join(this.stage.folder, 'spool'));
  }
}

/** Begins a session; everything is removed after the test that called this. */
export async function begin(options: TalkOptions = {}): Promise<Talk> {
  const stage = await openStage(options);
  const talk = new Talk(stage, options.client ?? { ip: '192.0.2.1', host: 'client.example' });
  talk.greeting = await talk.replies();
  return talk;
}

export async function openStage({
  plugins = {},
  config = {},
  clock = systemClock,
}: TalkOptions = {}): Promise<Stage> {
  const bundled = Object.fromEntries(
    Object.entries(plugins).map(([line, table]) => {
      const [name = line] = line.split(' ');
      const plugin = definePlugin({ name, summary: 'of a test', setup: () => table });
      return [name, async () => ({ default: plugin })];
    }),
  );
  const stage = await Stage.open({
    program: { version: '0.0.0', bundled, api },
    setup: {
      plugins: Object.keys(plugins),
      logging: [],
      config: new Map(Object.entries(config)),
      maps: new Map(),
      env: {},
    },
    clock,
    pluginDirs: [],
  });
  cleanUp(() => stage.close());
  return stage;
}

export const MESSAGE = 'Subject: x\r\n\r\nbody\r\n.\r\n';
