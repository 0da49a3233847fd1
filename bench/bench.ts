// Measures SMTP servers against each other over loopback: all targets are started, then take their runs in
// turns (A B A B …), so that what else the machine does hits them alike. See --help, and README.md for method.

import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { ticksPerSecond } from './cpu.ts';
import { allowSessions } from './idle-clients.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { installPeers } from './peers.ts';
import { measure } from './rounds.ts';
import { renderTable, type Series } from './table.ts';
import { findTarget } from './targets/index.ts';
import type { Target } from './targets/target.ts';
import { idleSessions, type Workload, workloads } from './workloads.ts';

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    console.log(usage(workloads.map((workload) => workload.name)));
    return 0;
  }
  const chosen = options.workloads.map(findWorkload);
  const targets = options.targets.map((name) => findTarget(name, options.nodeArgs));
  if (targets.some((target) => target.needsPeers)) installPeers();
  if (chosen.some((workload) => workload.name === 'idle')) allowSessions(idleSessions(options));
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const results = await measureAll(chosen, targets, options, stop.signal);
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ options, results }, null, 2)}\n`);
  if (stop.signal.aborted) return 130;
  return results.some(({ series }) => series.some((one) => one.failures.length > 0)) ? 1 : 0;
}

interface Result {
  readonly workload: string;
  readonly load: string;
  readonly series: readonly Series[];
}

async function measureAll(
  chosen: readonly Workload[],
  targets: readonly Target[],
  options: Options,
  signal: AbortSignal,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const context = { options, signal, ticksPerSecond: ticksPerSecond() };
  for (const workload of chosen) {
    if (signal.aborted) break;
    const series = await measure(workload, targets, context);
    const load = workload.describe(options);
    console.log(`\n${workload.name}: ${load}\n${renderTable(workload.metrics, series)}`);
    results.push({ workload: workload.name, load, series });
  }
  return results;
}

function findWorkload(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found) return found;
  throw new Error(
    `no workload '${name}'; there are ${workloads.map((workload) => workload.name).join(', ')}`,
  );
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
