// CPU time and memory of a server: of its first process and all that descend from it, read from /proc.
// A child that has ended is in its parent's cutime and cstime once the parent has waited for it, so the sum
// over the living tree never loses time, and the difference of two readings is what happened between them.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** `Z`: has ended, and its parent has not asked yet */
  readonly state: string;
  /** user and system time, own and of ended children, in clock ticks */
  readonly ticks: number;
}

/** Clock ticks a second, the unit of /proc/PID/stat. */
export function ticksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}

/** The process and its descendants, parents first; empty when it is gone. */
export function tree(root: number): readonly number[] {
  return treeStats(root).map((stat) => stat.pid);
}

/** CPU seconds spent so far by the process, its descendants, and their ended children. */
export function cpuSeconds(root: number, tickRate: number): number {
  return treeStats(root).reduce((sum, stat) => sum + stat.ticks, 0) / tickRate;
}

/** Whether the process is there and has not ended. */
export function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.state !== 'Z';
}

/** Resident memory of the tree in KiB: RSS of one process; of several PSS, by which shared pages count once. */
export function residentKib(root: number): number {
  const pids = tree(root);
  const kind = pids.length > 1 ? 'Pss' : 'Rss';
  return pids.reduce((sum, pid) => {
    const match = new RegExp(`^${kind}:\\s+(\\d+)`, 'm').exec(read(`/proc/${pid}/smaps_rollup`) ?? '');
    return sum + Number(match?.[1] ?? 0);
  }, 0);
}

function treeStats(root: number): readonly Stat[] {
  const children = Map.groupBy(allStats(), (stat) => stat.parent);
  const first = readStat(root);
  const found = first === null ? [] : [first];
  for (const stat of found) found.push(...(children.get(stat.pid) ?? []));
  return found;
}

function allStats(): readonly Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
}

// The second field is the program's name in brackets and may hold blanks and brackets itself.
function readStat(pid: number): Stat | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent] = fields;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, state, parent: Number(parent), ticks };
}

// A process may end between the listing and the reading.
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
