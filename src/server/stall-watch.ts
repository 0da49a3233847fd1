// Ends a worker whose event loop answers no more, and says which plugin holds it. The loop itself cannot say anything
// then, so a thread looks on: the loop moves a number in shared memory once in a while, and the engine leaves there
// which handler it is in.

import { Worker } from 'node:worker_threads';

const BEAT_MS = 500;

export interface StallWatch {
  /** see HandlerMark */
  readonly mark: Int32Array;
  /** by the number of a handler in the mark */
  readonly names: readonly string[];
  readonly stallMs: number;
}

/** Begins to watch. The process ends by SIGKILL when the loop has not moved for `stallMs`. */
export function watchForStalls({ mark, names, stallMs }: StallWatch): void {
  const beat = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => {
    beat[0] = ((beat[0] ?? 0) + 1) | 0;
  }, BEAT_MS).unref();
  const data: WatchData = { beat, mark, names, beatMs: BEAT_MS, most: Math.ceil(stallMs / BEAT_MS) };
  // The executable is one file, in which no thread could find another one to run.
  const code = `(${lookOn.toString()})(require('node:worker_threads').workerData, require('node:fs').writeSync)`;
  const thread = new Worker(code, {
    eval: true,
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
    env: {},
    // Those of the process may be for another kind of code.
    execArgv: [],
  });
  thread.unref();
  // A worker goes on without: the parent has a clock of its own.
  thread.on('error', () => {});
}

interface WatchData {
  readonly beat: Int32Array;
  readonly mark: Int32Array;
  readonly names: readonly string[];
  readonly beatMs: number;
  /** ticks without a beat; time alone would count a process that was stopped and goes on */
  readonly most: number;
}

/** Runs in the thread: as text, so that it may use nothing but what it is given. */
function lookOn(
  { beat, mark, names, beatMs, most }: WatchData,
  write: (fd: number, text: string) => void,
): void {
  let last = -1;
  let missed = 0;
  setInterval(() => {
    const now = Atomics.load(beat, 0);
    missed = now === last ? missed + 1 : 0;
    last = now;
    if (missed < most) return;
    const name = (at: number) => names[Atomics.load(mark, at)] ?? '';
    const waits = [1, 2, 3, 4].map(name).filter((one, at, all) => one !== '' && all.indexOf(one) === at);
    const others =
      waits.length > 0
        ? `no handler that can be named; suspects: ${waits.join(', ')}`
        : 'no plugin that can be named';
    const seconds = Math.round((missed * beatMs) / 1000);
    const culprit = name(0) || others;
    try {
      write(
        2,
        `${process.pid} error, the event loop has not answered for ${seconds} s, blocked by ${culprit}: the worker is ended\n`,
      );
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  }, beatMs);
}
