// Which handler the event loop is in, for a thread that looks on: it can be read while the loop itself is blocked.
// Cell 0 is the handler that runs now, the others the last ones that gave a promise.

import type { HookName } from '../contract/hooks.ts';
import type { Chains } from './registry.ts';

const WAITS = 4;

export function makeHandlerMark(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * (1 + WAITS)));
}

/** Remembers a handler whose promise is waited for. */
export function markWait(mark: Int32Array, number: number): void {
  if (mark[WAITS] === number) return;
  mark.copyWithin(1, 2);
  mark[WAITS] = number;
}

/** The names that the numbers in a mark stand for, such as `relay:1 (rcpt)`. */
export function handlerNames(chains: Chains): string[] {
  const names: string[] = [''];
  for (const hook of Object.keys(chains) as HookName[]) {
    for (const { number, plugin } of chains[hook]) names[number] = `${plugin} (${hook})`;
  }
  return names;
}
