// Who is connected, over all workers of a server: each tells the parent what has changed in its own counts, the parent
// tells the others. Told in batches: a client that comes and goes between two of them costs no message, and a limit
// may be passed by what arrives at several workers within one.

import type { Elsewhere } from './connection-limits.ts';
import type { Counts, KeyCount } from './worker-messages.ts';

/** In milliseconds. */
export const BATCH_MS = 20;

/** Keys that have changed since the last batch. */
class Batch {
  readonly #dirty = new Set<string>();
  readonly #flush: (keys: readonly string[]) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(flush: (keys: readonly string[]) => void) {
    this.#flush = flush;
  }

  note(key: string | null): void {
    if (key !== null) this.#dirty.add(key);
    this.#timer ??= setTimeout(() => {
      const keys = [...this.#dirty];
      this.#dirty.clear();
      this.#timer = null;
      this.#flush(keys);
    }, BATCH_MS).unref();
  }
}

/** A worker's view: tells its own counts, knows those of the others. */
export class SharedCounts implements Elsewhere {
  #total = 0;
  readonly #elsewhere = new Map<string, number>();
  readonly #own = new Map<string, number>();
  readonly #told = new Map<string, number>();
  #ownTotal = 0;
  #toldTotal = 0;
  readonly #batch: Batch;

  /** @param others counts of the other workers at the start */
  constructor(others: Counts, tell: (counts: Counts) => void) {
    this.hear(others);
    this.#batch = new Batch((keys) => {
      const from = keys.flatMap((key) => this.#news(key));
      if (from.length === 0 && this.#ownTotal === this.#toldTotal) return;
      this.#toldTotal = this.#ownTotal;
      tell({ total: this.#ownTotal, from });
    });
  }

  get total(): number {
    return this.#total;
  }

  countOf(key: string): number {
    return this.#elsewhere.get(key) ?? 0;
  }

  changed(total: number, key: string | null, count: number): void {
    this.#ownTotal = total;
    if (key !== null) set(this.#own, key, count);
    this.#batch.note(key);
  }

  hear({ total, from }: Counts): void {
    this.#total = total;
    for (const [key, count] of from) set(this.#elsewhere, key, count);
  }

  #news(key: string): KeyCount[] {
    const count = this.#own.get(key) ?? 0;
    if ((this.#told.get(key) ?? 0) === count) return [];
    set(this.#told, key, count);
    return [[key, count]];
  }
}

interface Reported {
  total: number;
  readonly from: Map<string, number>;
}

/** The parent's view: what each worker has told. `W` is whatever stands for a worker. */
export class CountBoard<W> {
  readonly #reports = new Map<W, Reported>();
  /** of all workers */
  readonly #sums = new Map<string, number>();
  #total = 0;
  readonly #batch: Batch;

  /** @param tell says to a worker how many clients the others have */
  constructor(tell: (worker: W, counts: Counts) => void) {
    this.#batch = new Batch((keys) => {
      for (const worker of this.#reports.keys()) tell(worker, this.#without(worker, keys));
    });
  }

  get total(): number {
    return this.#total;
  }

  /** A worker begins. Gives what the others have. */
  enter(worker: W): Counts {
    this.#reports.set(worker, { total: 0, from: new Map() });
    return this.#without(worker, [...this.#sums.keys()]);
  }

  hear(worker: W, { total, from }: Counts): void {
    const report = this.#reports.get(worker);
    if (report === undefined) return;
    this.#total += total - report.total;
    report.total = total;
    this.#batch.note(null);
    for (const [key, count] of from) {
      const before = report.from.get(key) ?? 0;
      set(report.from, key, count);
      set(this.#sums, key, (this.#sums.get(key) ?? 0) + count - before);
      this.#batch.note(key);
    }
  }

  /** A worker is gone, and all its clients with it. */
  leave(worker: W): void {
    const report = this.#reports.get(worker);
    if (report === undefined) return;
    this.hear(worker, { total: 0, from: [...report.from.keys()].map((key) => [key, 0]) });
    this.#reports.delete(worker);
  }

  #without(worker: W, keys: readonly string[]): Counts {
    const own = this.#reports.get(worker);
    return {
      total: this.#total - (own?.total ?? 0),
      from: keys.map((key) => [key, (this.#sums.get(key) ?? 0) - (own?.from.get(key) ?? 0)]),
    };
  }
}

function set(counts: Map<string, number>, key: string, count: number): void {
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
