// The rounds of one workload: which server runs when, and what becomes of a run that fails.

import { setMaxListeners } from 'node:events';
import type { Options } from './options.ts';
import { type Server, startServer } from './server.ts';
import type { Sample, Series } from './table.ts';
import type { Setup, Target } from './targets/target.ts';
import type { Workload } from './workloads.ts';

const DEFAULT_ROUNDS = 5;

export interface Context {
  readonly options: Options;
  readonly ticksPerSecond: number;
  readonly signal: AbortSignal;
}

interface Contestant {
  readonly target: Target;
  readonly skipped: boolean;
  readonly samples: Sample[];
  readonly failures: string[];
  /** started once, or before each run where the workload wants it fresh */
  server: Server | null;
}

/** Runs a workload on all targets in turns. What fails is recorded and ends that target's part. */
export async function measure(
  workload: Workload,
  targets: readonly Target[],
  context: Context,
): Promise<readonly Series[]> {
  const setup = workload.setup(context.options);
  const all = targets.map((target): Contestant => {
    const skipped = !target.setups.includes(setup);
    return { target, skipped, samples: [], failures: [], server: null };
  });
  const rounds = context.options.rounds ?? workload.rounds ?? DEFAULT_ROUNDS;
  try {
    for (const one of all) await admit(one, workload, setup, context);
    for (let round = 0; round < rounds; round += 1) {
      for (const one of all) await takeTurn(one, workload, setup, context);
    }
  } finally {
    await Promise.all(all.map((one) => one.server?.stop()));
  }
  return all.map(({ target, skipped, samples, failures }) => ({
    target: target.name,
    skipped,
    samples,
    failures,
  }));
}

async function admit(one: Contestant, workload: Workload, setup: Setup, context: Context): Promise<void> {
  if (workload.fresh || one.skipped) return;
  await attempt(one, context, async () => {
    one.server = await startServer(one.target, setup, context.signal);
    await runOnce(one.server, workload, context, true);
  });
}

async function takeTurn(one: Contestant, workload: Workload, setup: Setup, context: Context): Promise<void> {
  if (one.skipped || one.failures.length > 0) return;
  await attempt(one, context, async () => {
    const server = one.server ?? (await startServer(one.target, setup, context.signal));
    one.server = server;
    one.samples.push(await runOnce(server, workload, context, false));
    if (!workload.fresh) return;
    one.server = null;
    await server.stop();
  });
}

async function attempt(one: Contestant, context: Context, action: () => Promise<void>): Promise<void> {
  if (context.signal.aborted) return;
  try {
    await action();
  } catch (error) {
    one.failures.push(
      context.signal.aborted ? 'stopped' : error instanceof Error ? error.message : String(error),
    );
  }
}

async function runOnce(
  server: Server,
  workload: Workload,
  context: Context,
  warmUp: boolean,
): Promise<Sample> {
  const limit = AbortSignal.timeout(context.options.timeout * 1000);
  const signal = AbortSignal.any([context.signal, limit]);
  setMaxListeners(0, signal);
  return workload.run(server, { ...context, signal, warmUp });
}
