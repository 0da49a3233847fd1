// Other mail servers for tests of interoperability, each with a folder, users and ports of its own: what they have in
// common. They take mail on a free loopback port and hand it all to the server under test.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { cleanUp } from './cleanup.ts';
import { run } from './program.ts';

const PATIENCE_MS = 30_000;
const POLL_MS = 20;
const STOP_MS = 10_000;
const root = join(import.meta.dirname, '..', '..');

/** What the other servers call the server under test, and what its certificate has to say. */
export const NEXT_HOP = 'mx.b.example';

export interface NextHop {
  /** of the server under test */
  readonly port: number;
  /** a CA certificate (PEM): STARTTLS must be used, with a certificate for NEXT_HOP that it vouches for */
  readonly ca?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

export interface OtherMta {
  /** where it takes mail */
  readonly port: number;
  /** what it has written to its logs */
  log(): string;
  /** Makes it try again what it has in its queue. */
  retry(): Promise<void>;
}

/** The folder of .ci/mail-servers. */
const unpacked = process.env['QPSMTPD_MAIL_SERVERS'] ?? join(root, 'node_modules', '.cache', 'mail-servers');

/**
 * Why a test with an unpacked mail server has to be left out; false when it can run. In CI nothing is left out because
 * it is missing.
 */
export function whyNotUnpacked(name: 'exim' | 'opensmtpd'): string | false {
  if (process.getuid?.() !== 0) return `${name} can be run by root alone`;
  if (process.env['CI'] === 'true' || existsSync(join(unpacked, name, '.complete'))) return false;
  return `${name} is not there: run .ci/mail-servers ${unpacked}`;
}

/** A copy of an unpacked mail server's root folder, in which NEXT_HOP is a host; removed after the test (or suite, or file) that called this. */
export async function copyOf(name: 'exim' | 'opensmtpd'): Promise<string> {
  const folder = makeFolder();
  // With owners and rights, which Node's own copying leaves behind.
  await succeed('cp', ['-a', `${join(unpacked, name)}/.`, folder]);
  writeFile(join(folder, 'etc', 'hosts'), [`127.0.0.1 localhost ${NEXT_HOP}`]);
  return folder;
}

/** A folder that other users can enter, removed after the test (or suite, or file) that called this. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-mta-'));
  chmodSync(folder, 0o755);
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeFile(path: string, lines: readonly string[], mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${lines.join('\n')}\n`, { mode });
}

/** A folder that belongs to a user of the mail server. */
export function makeOwned(folder: string, user: number, mode = 0o755): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, mode);
  chownSync(folder, user, user);
}

export function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1') : '';
}

/** Waits until something is so. @param explain what to say when it is not in time */
export async function until(isSo: () => boolean | Promise<boolean>, explain: () => string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > end) assert.fail(`${explain()} (${PATIENCE_MS} ms)`);
    await after(POLL_MS);
  }
}

/** A program that runs until the end of the test (or suite, or file) that called this. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #output = '';
  #isGone = false;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.#isGone = true;
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#output += `${error.message}\n`;
        this.#isGone = true;
        resolve();
      });
    });
    // The test runner may be stopped before it comes to the hooks.
    const killNow = () => this.#child.kill('SIGTERM');
    process.once('exit', killNow);
    cleanUp(async () => {
      process.removeListener('exit', killNow);
      await this.#stop();
    });
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until it takes connections. @param log for the explanation when it does not */
  async listensOn(port: number, log: () => string): Promise<void> {
    await until(
      async () => this.#isGone || (await accepts(port)),
      () => `it does not listen: ${this.#output}${log()}`,
    );
    assert.ok(!this.#isGone, `it is gone: ${this.#output}${log()}`);
  }

  async #stop(): Promise<void> {
    if (this.#isGone) return;
    this.#child.kill('SIGTERM');
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#gone;
    clearTimeout(deadline);
    // What it has started may outlive it for a while, and has the other end of these.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

/** Runs a program to its end; fails when it does. */
export async function succeed(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { env: { PATH: process.env['PATH'] } });
  assert.equal(code, 0, `${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
