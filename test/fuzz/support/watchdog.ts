// A thread that sees a case which does not end. The case lies in shared memory, for the main thread cannot tell any
// more: the thread writes it to a file, says so, and kills the process.

import { Worker } from 'node:worker_threads';

const HEAD = 8;
const ROOM = 1 << 20;
const LOOK_MS = 250;

const watch = `
  const { parentPort, workerData: { memory, file, limit, look } } = require('node:worker_threads');
  const { writeFileSync, mkdirSync, writeSync } = require('node:fs');
  const { dirname } = require('node:path');
  const head = new Int32Array(memory, 0, 2);
  let seen = -1, since = 0;
  setInterval(() => {
    const count = Atomics.load(head, 0);
    if (count !== seen || count % 2 === 0) { seen = count; since = 0; return; }
    since += look;
    if (since < limit) return;
    const octets = Buffer.from(new Uint8Array(memory, ${HEAD}, head[1]));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, octets);
    writeSync(2, 'A case has not ended after ' + limit + ' ms: ' + file + '\\n' + octets.toString('hex', 0, 4096) + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, look);
`;

export class Watchdog {
  readonly #head: Int32Array;
  readonly #room: Uint8Array;
  readonly #worker: Worker;

  /** @param file gets the case that does not end within `limit` milliseconds */
  constructor(file: string, limit: number) {
    const memory = new SharedArrayBuffer(HEAD + ROOM);
    this.#head = new Int32Array(memory, 0, 2);
    this.#room = new Uint8Array(memory, HEAD);
    const workerData = { memory, file, limit, look: LOOK_MS };
    this.#worker = new Worker(watch, { eval: true, execArgv: [], workerData });
  }

  begin(input: Buffer): void {
    this.#head[1] = Math.min(input.length, ROOM);
    this.#room.set(input.length > ROOM ? input.subarray(0, ROOM) : input);
    Atomics.add(this.#head, 0, 1);
  }

  end(): void {
    Atomics.add(this.#head, 0, 1);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
