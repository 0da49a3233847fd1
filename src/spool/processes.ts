// What Linux tells of its processes in /proc. Elsewhere nothing is known, and locks go by their age alone.

import { readFileSync, readlinkSync } from 'node:fs';
import type { Processes } from './spool-lock.ts';

export function systemProcesses(pid: number): Processes {
  return { pid, realm: realm(), birthOf };
}

/** This run of the kernel, and the namespace in which process ids count. */
function realm(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

function birthOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc_pid_stat(5): the 22nd field; the second one, in brackets, may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
