// Runs one target: the kept cases first, then new ones until the time or the number is up. Keeps what breaks a
// promise or takes too long, as small as it can make it, and looks whether memory grows.

import { hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Random } from './random.ts';
import type { Fuzzer, Target } from './target.ts';
import { Watchdog } from './watchdog.ts';

export interface Limits {
  readonly seed: number;
  readonly executions: number;
  /** milliseconds for all of it */
  readonly ms: number;
  /** milliseconds that one case may take */
  readonly slowest: number;
  /** octets by which memory may have grown between warm-up and end */
  readonly growth: number;
}

export interface Failure {
  /** `kept case NAME` or `seed N, case N` */
  readonly where: string;
  readonly why: string;
  readonly input: Buffer;
  /** where the case is kept from now on */
  readonly file: string;
}

export interface Outcome {
  readonly executions: number;
  readonly seconds: number;
  readonly worstMs: number;
  /** octets; null where it was not measured */
  readonly growth: number | null;
  readonly failure: Failure | null;
}

const HANG_MS = 20_000;
const WARM_UP = 0.2;
const SMALLER_TRIES = 3000;
/** a look at the clock costs as much as a quick case */
const CASES_A_LOOK = 64;

/** @param corpus folder with the kept cases of all targets */
export async function fuzz(target: Target, limits: Limits, corpus: string): Promise<Outcome> {
  const folder = join(corpus, target.name);
  const watchdog = new Watchdog(join(folder, 'endless'), HANG_MS);
  const fuzzer = await target.open();
  try {
    return await new Run(fuzzer, limits, folder, watchdog).all();
  } finally {
    await fuzzer.close?.();
    await watchdog.stop();
  }
}

class Run {
  readonly #fuzzer: Fuzzer;
  readonly #limits: Limits;
  readonly #folder: string;
  readonly #watchdog: Watchdog;
  readonly #begin = performance.now();
  #executions = 0;
  #worstMs = 0;
  #current: Buffer = Buffer.alloc(0);
  readonly #onCrash = (error: Error) => {
    const file = this.#write(this.#current, 'crash');
    console.error(`nobody has caught ${error.stack}\n  kept as ${file}`);
  };

  constructor(fuzzer: Fuzzer, limits: Limits, folder: string, watchdog: Watchdog) {
    this.#fuzzer = fuzzer;
    this.#limits = limits;
    this.#folder = folder;
    this.#watchdog = watchdog;
  }

  async all(): Promise<Outcome> {
    process.on('uncaughtExceptionMonitor', this.#onCrash);
    try {
      return await this.#all();
    } finally {
      process.off('uncaughtExceptionMonitor', this.#onCrash);
    }
  }

  async #all(): Promise<Outcome> {
    const { executions, ms } = this.#limits;
    const kept = await this.#keptCases();
    if (kept !== null) return this.#outcome(null, kept);
    const early = await this.#until(executions * WARM_UP, ms * WARM_UP);
    if (early !== null) return this.#outcome(null, early);
    const before = await memoryInUse();
    const late = await this.#until(executions, ms);
    if (late !== null || before === null) return this.#outcome(null, late);
    const growth = ((await memoryInUse()) ?? 0) - before;
    const why = `memory has grown by ${growth} octets`;
    const tooMuch = { where: 'all cases', why, input: Buffer.alloc(0), file: '' };
    return this.#outcome(growth, growth > this.#limits.growth ? tooMuch : null);
  }

  #outcome(growth: number | null, failure: Failure | null): Outcome {
    const seconds = (performance.now() - this.#begin) / 1000;
    return { executions: this.#executions, seconds, worstMs: this.#worstMs, growth, failure };
  }

  async #keptCases(): Promise<Failure | null> {
    for (const name of filesOf(this.#folder)) {
      const file = join(this.#folder, name);
      const input = readFileSync(file);
      const why = await this.#try(input);
      if (why !== null) return { where: `kept case ${name}`, why, input, file };
    }
    return null;
  }

  async #until(executions: number, ms: number): Promise<Failure | null> {
    const { seed } = this.#limits;
    while (this.#executions < executions) {
      if (this.#executions % CASES_A_LOOK === 0 && performance.now() - this.#begin >= ms) return null;
      const number = this.#executions;
      const input = this.#fuzzer.make(new Random(seed, number));
      const why = await this.#try(input);
      if (why !== null) return this.#keep(input, why, `seed ${seed}, case ${number}`);
    }
    return null;
  }

  /** Gives what is wrong, or null. */
  async #try(input: Buffer): Promise<string | null> {
    this.#executions++;
    let best = Number.POSITIVE_INFINITY;
    // Somebody else may have had the processor: only what is slow again and again is slow.
    for (let left = 3; left > 0 && best > this.#limits.slowest / 100; left--) {
      const begin = performance.now();
      const why = await this.#once(input);
      if (why !== null) return why;
      best = Math.min(best, performance.now() - begin);
    }
    this.#worstMs = Math.max(this.#worstMs, best);
    return best > this.#limits.slowest ? `it takes ${best.toFixed(0)} ms` : null;
  }

  async #once(input: Buffer): Promise<string | null> {
    this.#current = input;
    this.#watchdog.begin(input);
    try {
      const running = this.#fuzzer.run(input);
      // An await for each case would cost more than most cases.
      if (running !== undefined) await running;
      return null;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    } finally {
      this.#watchdog.end();
    }
  }

  async #keep(input: Buffer, why: string, where: string): Promise<Failure> {
    const small = await this.#smaller(input);
    return { where, why, input: small, file: this.#write(small, 'found') };
  }

  #write(input: Buffer, kind: string): string {
    const file = join(this.#folder, `${kind}-${hash('sha1', input).slice(0, 10)}`);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(file, input);
    return file;
  }

  /** A part of the case that fails, too. */
  async #smaller(input: Buffer): Promise<Buffer> {
    let best = input;
    let tries = SMALLER_TRIES;
    for (let size = best.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at < best.length && tries > 0; tries--) {
        const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
        if ((await this.#once(shorter)) === null) at += size;
        else best = shorter;
      }
    }
    return best;
  }
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Octets on the heap and beside it that are still needed; null without --expose-gc. */
async function memoryInUse(): Promise<number | null> {
  const { gc } = globalThis;
  if (gc === undefined) return null;
  for (let round = 0; round < 3; round++) {
    await setImmediate();
    gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
