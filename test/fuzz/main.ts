// One target in a process of its own:  node --expose-gc test/fuzz/main.ts TARGET SEED EXECUTIONS MILLISECONDS
// Prints a line of figures. Exit code 1: a promise was broken, and the case lies in corpus/TARGET.

import { join } from 'node:path';
import { fuzz, type Outcome } from './support/fuzz.ts';
import { targets } from './targets.ts';

const SLOWEST_MS = 1000;
const GROWTH = 4 << 20;
const SHOWN_OCTETS = 4096;

const [name = '', seed = '1', executions = 'Infinity', ms = '10000'] = process.argv.slice(2);
const target = targets.find((each) => each.name === name);
if (target === undefined) {
  console.error(`There is no target "${name}", only ${targets.map((each) => each.name).join(', ')}.`);
  process.exit(2);
}

const limits = {
  seed: Number(seed),
  executions: Number(executions),
  ms: Number(ms),
  slowest: SLOWEST_MS,
  growth: GROWTH,
};
const outcome = await fuzz(target, limits, join(import.meta.dirname, 'corpus'));
console.log(figures(name, outcome));
if (outcome.failure !== null) {
  const { where, why, input, file } = outcome.failure;
  const hex = input.toString('hex', 0, SHOWN_OCTETS);
  console.error(`${name}: ${where}: ${why}\n  kept as ${file}, ${input.length} octets: ${hex}`);
}
process.exit(outcome.failure === null ? 0 : 1);

function figures(target: string, { executions, seconds, worstMs, growth }: Outcome): string {
  const heap = growth === null ? '' : `, memory ${growth < 0 ? '' : '+'}${(growth / 1024).toFixed(0)} KiB`;
  const rate = (executions / seconds).toFixed(0);
  return `${target}: ${executions} executions in ${seconds.toFixed(1)} s, ${rate}/s, worst ${worstMs.toFixed(1)} ms${heap}`;
}
