// What the tests of the documentation have in common.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = dirname(dirname(import.meta.dirname));
export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  /** both streams, for messages */
  readonly said: string;
}

/** Runs a script of the repository with this Node; no variable of the caller changes what it does. */
export function run(script: string, ...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, said: `${stdout}${stderr}` };
}

export interface Fenced {
  /** word behind the opening fence; empty for a transcript */
  readonly language: string;
  readonly code: string;
}

export function fencedBlocks(markdown: string): Fenced[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
}

/** Rows of all tables, as cells. */
export function tableRows(markdown: string): string[][] {
  return [...markdown.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split(/(?<!\\) \| /).map((cell) => cell.trim()))
    .filter(([first = '']) => !/^-+$/.test(first));
}
