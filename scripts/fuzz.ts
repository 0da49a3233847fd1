// Fuzzes the parts that read what strangers send (test/fuzz). Each target has a process of its own; a time is shared
// out evenly. Seeds are fixed, so that two runs begin with the same cases.
//   node scripts/fuzz.ts [TARGET …] [--seconds N] [--executions N] [--seed N] [--jobs N]
// --seconds: for all targets together, 600 by default. --executions: the most for each target. --jobs: at a time, 2.
// A case that breaks a promise is kept in test/fuzz/corpus/TARGET, which every run tries first.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { targets } from '../test/fuzz/targets.ts';

const root = dirname(import.meta.dirname);
const main = join(root, 'test', 'fuzz', 'main.ts');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '600' },
    executions: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
  },
});
const names = positionals.length > 0 ? positionals : targets.map(({ name }) => name);
const jobs = Math.min(Number(values.jobs), names.length);
const ms = Math.round((Number(values.seconds) * 1000 * jobs) / names.length);
let executions = 0;
let failed = 0;

async function run(name: string): Promise<void> {
  const args = ['--expose-gc', main, name, values.seed, values.executions, String(ms)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    executions += Number(/: (\d+) executions /.exec(text)?.[1] ?? 0);
  });
  const [code, signal] = await once(child, 'close');
  if (code === 0) return;
  failed++;
  console.error(`${name}: FAILED (${signal ?? `exit code ${code}`})`);
}

const waiting = [...names];
const worker = async () => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await run(name);
};
await Promise.all(Array.from({ length: jobs }, worker));
console.log(`${names.length} targets, ${executions} executions, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
