// A program that does what qmail-queue(8) does with its descriptors, as far as a test wants it to: it reads the message
// from 0, then the envelope from 1, checks the form of the envelope, and files both. It ends as the file `then` in its
// folder says; so a test needs no environment. Written for the Node that runs the tests, and made executable for it.

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp } from './cleanup.ts';
import { signalAll } from './processes.ts';

/**
 * What it does in place of success: `exit N`, `say FD TEXT` before it exits with 82, `die N` after N octets of the
 * message, `leave N` with code N without reading anything, `hang` before the envelope, `deaf` to the message.
 */
export type Instruction = string;

export interface StandIn {
  readonly path: string;
  instruct(instruction: Instruction): void;
  /** messages taken, in order, one octet a character */
  queued(): readonly QueuedMessage[];
  /** process ids of those that are still there */
  running(): readonly number[];
}

export interface QueuedMessage {
  readonly message: string;
  /** with its F, T and NUL */
  readonly envelope: string;
}

const source = (folder: string) => `#!${process.execPath}
const fs = require('node:fs');
const folder = ${JSON.stringify(folder)};
const [what, first = '', ...rest] = fs.readFileSync(folder + '/then', 'latin1').split(' ');
fs.writeFileSync(folder + '/pid.' + process.pid, '');
process.on('exit', () => fs.rmSync(folder + '/pid.' + process.pid, { force: true }));
const forever = () => setInterval(() => {}, 1000);
function read(fd, most = Infinity) {
  const pieces = [];
  const page = Buffer.alloc(65536);
  for (let total = 0; total < most; ) {
    let length;
    try {
      length = fs.readSync(fd, page, 0, Math.min(page.length, most - total), null);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      continue;
    }
    if (length === 0) break;
    pieces.push(Buffer.from(page.subarray(0, length)));
    total += length;
  }
  return Buffer.concat(pieces);
}
function main() {
  if (what === 'leave') process.exit(Number(first));
  if (what === 'deaf') return forever();
  if (what === 'die') {
    read(0, Number(first));
    process.kill(process.pid, 'SIGKILL');
  }
  const message = read(0);
  if (what === 'hang') return forever();
  const envelope = read(1);
  if (!/^F[^\\0]*\\0(?:T[^\\0]+\\0)+\\0$/.test(envelope.toString('latin1'))) process.exit(envelope.length === 0 ? 54 : 91);
  if (what === 'say') {
    fs.writeSync(Number(first), rest.join(' '));
    process.exit(82);
  }
  if (what === 'exit') process.exit(Number(first));
  const name = folder + '/' + String(fs.readdirSync(folder).length).padStart(6, '0') + '-' + process.pid;
  fs.writeFileSync(name + '.envelope', envelope);
  fs.writeFileSync(name + '.message', message);
}
main();
`;

/** Its folder is removed after the test (or suite, or file) that called this. */
export function makeStandIn(): StandIn {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-qq-'));
  const path = join(folder, 'qmail-queue.cjs');
  writeFileSync(path, source(folder));
  chmodSync(path, 0o755);
  chmodSync(folder, 0o777);
  const instruct = (instruction: Instruction) => writeFileSync(join(folder, 'then'), instruction);
  instruct('take');
  const files = (pattern: RegExp) =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .sort();
  const running = () =>
    files(/^pid\./)
      .map((name) => Number(name.slice('pid.'.length)))
      .filter((pid) => existsSync(`/proc/${pid}`));
  cleanUp(() => {
    signalAll(running(), 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    path,
    instruct,
    running,
    queued: () =>
      files(/\.message$/).map((name) => ({
        message: readFileSync(join(folder, name), 'latin1'),
        envelope: readFileSync(join(folder, name.replace(/message$/, 'envelope')), 'latin1'),
      })),
  };
}
