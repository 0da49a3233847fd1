// Runs test/**/*.test.ts with Node's own runner: two files at a time, five minutes for each test and each file.
//   node scripts/run-tests.ts [FOLDER|FILE …] [--skip FOLDER|FILE …]     both below test/; without any, all of them
// The exit code is that of the runner; no file at all is an error, for tests that were not found have not passed.

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';

const root = dirname(import.meta.dirname);
const concurrency = 2;
const fileLimit = 300_000;

/** `engine`, `engine/` and `test/engine` all mean the folder test/engine. */
const belowTest = (name: string) => normalize(`${name}/`).replace(/^(?:\.\/)?(?:test\/)?/, '');
const isIn = (file: string, places: readonly string[]) =>
  places.some((place) => `${file}/`.startsWith(place));

function testFiles(only: readonly string[], skipped: readonly string[]): string[] {
  const files = globSync('**/*.test.ts', { cwd: join(root, 'test') }).sort();
  const chosen = only.length === 0 ? files : files.filter((file) => isIn(file, only));
  return chosen.filter((file) => !isIn(file, skipped)).map((file) => join('test', file));
}

function run(files: readonly string[]): void {
  const flags = [
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${fileLimit}`,
    '--test-reporter=spec',
    `--import=${join(import.meta.dirname, 'test-deadline.ts')}`,
  ];
  const env = { ...process.env, TEST_FILE_LIMIT: String(fileLimit) };
  const runner = spawn(process.execPath, [...flags, ...files], { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
  runner.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { skip: { type: 'string', multiple: true, default: [] } },
});
const files = testFiles(positionals.map(belowTest), values.skip.map(belowTest));
if (files.length > 0) run(files);
else {
  console.error('There is no test file of that description below test/.');
  process.exitCode = 1;
}
