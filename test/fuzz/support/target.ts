// What is fuzzed: something that makes cases, and something that takes a case and throws when a promise is broken.

import type { Random } from './random.ts';

export interface Fuzzer {
  make(random: Random): Buffer;
  /** What it does depends on the case alone. @throws when a promise is broken */
  run(input: Buffer): Promise<void> | void;
  close?(): Promise<void> | void;
}

export interface Target {
  readonly name: string;
  /** what must hold, in a sentence */
  readonly promise: string;
  open(): Promise<Fuzzer> | Fuzzer;
}
