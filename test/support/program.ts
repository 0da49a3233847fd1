// The program under test and how it is run: from source by default, as the fast inner loop, or as the executable
// that is shipped, when QPSMTPD_PROGRAM says `binary` or gives a path.

import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const LONGEST_RUN_MS = 60_000;

/** `source`, `binary`, or the path of an executable. */
export type ProgramName = string;

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** @param name as in QPSMTPD_PROGRAM, which counts where it is missing */
export function programCommand(name: ProgramName = process.env['QPSMTPD_PROGRAM'] ?? ''): CommandLine {
  if (name === '' || name === 'source') {
    return { command: process.execPath, args: [join(root, 'src', 'main.ts')] };
  }
  return { command: name === 'binary' ? join(root, 'dist', 'qpsmtpd') : name, args: [] };
}

/** An environment with nothing of the machine but the way to its programs. */
export function plainEnv(home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C', ...more };
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string | Buffer;
  /** milliseconds after which it is killed and its code is null; a minute where it is missing */
  readonly limitMs?: number;
}

/** Runs any program to its end. Output is read as one octet a character. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { env, cwd, input, limitMs = LONGEST_RUN_MS } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: env ?? process.env, cwd, stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      out.stdout += text;
    });
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      out.stderr += text;
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      resolve({ code, ...out });
    });
    // Who does not read its input is not made to.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

/** Runs the program under test to its end. */
export function runProgram(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { command, args: before } = programCommand();
  return run(command, [...before, ...args], options);
}
