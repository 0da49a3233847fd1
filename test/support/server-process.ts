// A running server for a test: a folder of its own with config/ and spool/, a free port on loopback, and an end
// that comes in any case. Waits for what the server says, never for time to pass.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cleanUp } from './cleanup.ts';
import { type CommandLine, type ProgramName, plainEnv, programCommand } from './program.ts';

const START_MS = 30_000;
const LOG_MS = 20_000;
const STOP_MS = 40_000;
// Where there is an account for the server, root would become that: it may not read the folder of a test.
const asMyself = process.getuid?.() === 0 ? ['--user', 'root'] : [];
const LISTENING = /Listening on \S*?:(\d+)\n/;

export type ConfigFiles = Readonly<Record<string, string | readonly string[]>>;

export interface ServerOptions {
  /** files of config/: text, or lines. `@DIR@` stands for the temporary folder */
  readonly config: ConfigFiles;
  /** more files by path below the temporary folder; with any in plugins/, config/plugin_dirs names that folder */
  readonly files?: Readonly<Record<string, string>>;
  /** What else is to be done to the temporary folder before the start. */
  prepare?(dir: string): void;
  /** the subcommand; `serve` where it is missing */
  readonly model?: 'serve' | 'forkserver';
  /** further arguments of the subcommand, with `@DIR@` as above */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly program?: ProgramName | CommandLine;
}

export interface TestServer {
  readonly port: number;
  readonly pid: number;
  /** the temporary folder, with config/, spool/ and the files of the test */
  readonly dir: string;
  /** all that came on standard error so far */
  stderr(): string;
  /** Waits until standard error matches; what came before counts too. */
  waitForLog(pattern: RegExp): Promise<RegExpMatchArray>;
  signal(name: 'SIGHUP' | 'SIGTERM' | 'SIGINT' | 'SIGUSR2'): void;
  /** Resolves with the exit code once the process is gone; null after a signal. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then waits for the exit. Gives the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits for the exit. */
  kill(): Promise<void>;
}

/**
 * Starts a server; it is stopped and its folder removed after the test (or suite, or file) that called this.
 *
 * @throws Error with the server's standard error when it does not listen within 10 seconds
 */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const dir = makeServerDir(options);
  options.prepare?.(dir);
  const { program } = options;
  const { command, args } = typeof program === 'object' ? program : programCommand(program);
  const serve = [
    options.model ?? 'serve',
    ...asMyself,
    '--config',
    join(dir, 'config'),
    '--listen',
    '127.0.0.1:0',
  ];
  const more = (options.args ?? []).map((arg) => arg.replaceAll('@DIR@', dir));
  const child = spawn(command, [...args, ...serve, ...more], {
    cwd: dir,
    env: plainEnv(dir, options.env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const server = new ServerProcess(child, dir);
  // The test runner may be stopped before it comes to the hooks.
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  cleanUp(async () => {
    process.removeListener('exit', killNow);
    await server.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  await server.listening();
  return server;
}

/** The temporary folder of a server, filled but not started; the caller removes it. */
export function makeServerDir({ config, files = {} }: Pick<ServerOptions, 'config' | 'files'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  const own: Record<string, string | readonly string[]> = { spool_dir: '@DIR@/spool' };
  if (Object.keys(files).some((path) => path.startsWith('plugins/'))) own['plugin_dirs'] = '@DIR@/plugins';
  for (const [name, content] of Object.entries({ ...own, ...config })) {
    writeBelow(dir, join('config', name), typeof content === 'string' ? content : content.join('\n'));
  }
  for (const [path, content] of Object.entries(files)) writeBelow(dir, path, content);
  return dir;
}

function writeBelow(dir: string, path: string, content: string): void {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  const text = content.replaceAll('@DIR@', dir);
  writeFileSync(file, text.endsWith('\n') ? text : `${text}\n`);
}

class ServerProcess implements TestServer {
  readonly dir: string;
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #stderr = '';
  #port = 0;
  #isGone = false;

  constructor(child: ChildProcess, dir: string) {
    this.#child = child;
    this.dir = dir;
    child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.#stderr += text;
      for (const look of this.#watchers) look();
    });
    this.exited = new Promise((resolve) => {
      const gone = (code: number | null) => {
        this.#isGone = true;
        for (const look of this.#watchers) look();
        resolve(code);
      };
      child.once('close', gone);
      child.once('error', (error) => {
        this.#stderr += `${error.message}\n`;
        gone(null);
      });
    });
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  stderr(): string {
    return this.#stderr;
  }

  async listening(): Promise<void> {
    const [, port] = await this.#waitFor(LISTENING, START_MS, 'the server did not start');
    this.#port = Number(port);
  }

  waitForLog(pattern: RegExp): Promise<RegExpMatchArray> {
    return this.#waitFor(pattern, LOG_MS, `the log did not say ${pattern}`);
  }

  signal(name: 'SIGHUP' | 'SIGTERM' | 'SIGINT' | 'SIGUSR2'): void {
    this.#child.kill(name);
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    const code = await this.exited;
    clearTimeout(deadline);
    return code;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    // Whoever has taken its place.
    for (const [, pid] of this.#stderr.matchAll(/handed over to process (\d+)/g)) endNow(Number(pid));
    await this.exited;
  }

  #waitFor(pattern: RegExp, limitMs: number, complaint: string): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(deadline);
        this.#watchers.delete(look);
        act();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${complaint} ${why}; its standard error:\n${this.#stderr}`)));
      const look = () => {
        const match = this.#stderr.match(pattern);
        if (match !== null) settle(() => resolve(match));
        else if (this.#isGone) fail('and is gone');
      };
      const deadline = setTimeout(() => fail(`within ${limitMs} ms`), limitMs);
      this.#watchers.add(look);
      look();
    });
  }
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
