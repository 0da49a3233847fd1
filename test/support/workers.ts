// The workers of a forkserver, as the kernel knows them.

import { readFileSync } from 'node:fs';
import { childrenOf } from './processes.ts';

/** Process ids of the workers; systemd-notify comes and goes beside them. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).filter(isWorker);
}

function isWorker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').endsWith('\0worker\0');
  } catch {
    return false;
  }
}
