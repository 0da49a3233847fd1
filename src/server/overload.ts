// Knows when the server has more clients than it can serve well. When four fifths of the places are taken it is under
// stress: clients are then waited for less long, as in Postfix. When memory is short, new clients are told to come
// back before the process dies of it. Each change is logged once, and never one line for each client.

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { LogLevel } from '../contract/codes.ts';

/** Octets. */
export interface MemoryFigures {
  readonly heapUsed: number;
  readonly heapLimit: number;
  readonly resident: number;
  readonly available: number;
}

export interface OverloadMeans {
  /** places for clients; 0 = any number */
  readonly most: number;
  readonly memory: () => MemoryFigures;
  log(level: LogLevel, text: string): void;
  /** the stress begins: clients who are waited for already have less time, too */
  onStress(): void;
}

const STRESS_FROM = 0.8;
const STRESS_UNTIL = 0.7;
const ROOM_AGAIN = 0.9;
/** Below so many places the few clients of a small server would be stress already. */
const FEWEST_FOR_STRESS = 10;
/** Parts of what there is. A heap so full is one whose garbage is collected already. */
const SHORT_FROM = 0.9;
const SHORT_UNTIL = 0.85;
const SAMPLE_EVERY = 4;

export class Overload {
  readonly #means: OverloadMeans;
  #isStressed = false;
  #isShort = false;
  #isFull = false;
  #turnedAway = 0;
  #sweeps = 0;

  constructor(means: OverloadMeans) {
    this.#means = means;
  }

  get isStressed(): boolean {
    return this.#isStressed;
  }

  get isShortOfMemory(): boolean {
    return this.#isShort;
  }

  /** A client has come or left; so many are there now. */
  note(total: number): void {
    const { most } = this.#means;
    this.#watchStress(total);
    if (!this.#isFull || total > most * ROOM_AGAIN) return;
    this.#isFull = false;
    this.#logTurnedAway('there is room again');
  }

  /** A client is turned away for want of places or memory. */
  turnAway(): void {
    this.#turnedAway++;
    if (this.#isFull || this.#isShort) return;
    this.#isFull = true;
    this.#log('warn', `fail, all ${this.#means.most} places are taken: new clients are turned away`);
  }

  /** Looks at the memory once in a while; to be called several times a second. */
  sweep(): void {
    if (this.#sweeps++ % SAMPLE_EVERY !== 0) return;
    const { heapUsed, heapLimit, resident, available } = this.#means.memory();
    const part = Math.max(heapUsed / heapLimit, resident / available);
    if (!this.#isShort && part > SHORT_FROM) {
      this.#isShort = true;
      const figures = `heap ${megabytes(heapUsed)} of ${megabytes(heapLimit)}, process ${megabytes(resident)} of ${megabytes(available)}`;
      this.#log('crit', `error, memory is short (${figures}): new clients are turned away`);
    } else if (this.#isShort && part < SHORT_UNTIL) {
      this.#isShort = false;
      this.#logTurnedAway('there is memory again');
    }
  }

  #watchStress(total: number): void {
    const { most } = this.#means;
    if (most < FEWEST_FOR_STRESS) return;
    if (!this.#isStressed && total >= most * STRESS_FROM) {
      this.#isStressed = true;
      this.#log('warn', `stress begins, ${total} of ${most} places are taken: clients are given little time`);
      this.#means.onStress();
    } else if (this.#isStressed && total < most * STRESS_UNTIL) {
      this.#isStressed = false;
      this.#log('warn', `stress is over, ${total} of ${most} places are taken`);
    }
  }

  #logTurnedAway(what: string): void {
    this.#log('warn', `${what}, ${this.#turnedAway} clients were turned away`);
    this.#turnedAway = 0;
  }

  #log(level: LogLevel, text: string): void {
    this.#means.log(level, text);
  }
}

/** What this process has and may have. */
export function memoryFigures(): MemoryFigures {
  const heap = getHeapStatistics();
  // 0, or more than the machine has, where nothing but the machine sets a bound.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return {
    heapUsed: heap.used_heap_size,
    heapLimit: heap.heap_size_limit,
    resident: process.memoryUsage.rss(),
    available: Math.min(constrained, totalmem()),
  };
}

/** Standard streams, listeners, configuration, DNS, log, and what plugins open. */
const DESCRIPTORS_BESIDES = 100;
/** The socket, and a spool or queue file. */
const DESCRIPTORS_EACH = 2;

/** How many clients there are file descriptors for; null where the system does not say. */
export function clientsByDescriptors(limits: string | null = readLimits()): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1];
  if (soft === undefined) return null;
  return Math.max(1, Math.floor((Number(soft) - DESCRIPTORS_BESIDES) / DESCRIPTORS_EACH));
}

function readLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return null;
  }
}

function megabytes(octets: number): string {
  return `${Math.round(octets / 2 ** 20)} MiB`;
}
