// Sockets that systemd passes: LISTEN_FDS, for whom they are, and what their names say. They begin at descriptor 3, so each
// case has a process of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { BoundSocket, type BoundSocketOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { takePassedSockets } from '../../src/server/passed-sockets.ts';
import { cleanUp } from '../support/cleanup.ts';

const module = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
const SCRIPT = `
  const { takePassedSockets } = await import(${module('../../src/server/passed-sockets.ts')});
  const { showListenAddress } = await import(${module('../../src/server/listen-address.ts')});
  const env = { LISTEN_PID: String(process.pid), LISTEN_FDS: process.argv[1], LISTEN_FDNAMES: process.argv[2] };
  try {
    const sockets = takePassedSockets(env, process.pid);
    const all = sockets.map(({ fd, address }) => fd + ' ' + showListenAddress(address));
    console.log(JSON.stringify([...all, ...Object.keys(env)]));
  } catch (error) {
    console.log(JSON.stringify(error.message));
  }
`;

/** What a process makes of these descriptors, from 3 on. */
async function taken(fds: readonly number[], names = '', count = String(fds.length)): Promise<unknown> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, count, names], {
    stdio: ['ignore', 'pipe', 'inherit', ...fds],
  });
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(child, 'close');
  return JSON.parse(text);
}

function held(options: BoundSocketOptions | { readonly path: string }): BoundSocket {
  // Node 26 takes a path, which its types do not know yet.
  const socket = new BoundSocket(options as BoundSocketOptions);
  cleanUp(() => socket.close());
  return socket;
}

const local = () => held({ host: '127.0.0.1', port: 0 });
const portOf = (socket: BoundSocket) => socket.address().port;

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe('sockets that are passed', () => {
  it('say where they are, and leave the environment', async () => {
    const path = join(folder(), 'sock');
    const [four, six, unix] = [local(), held({ host: '::1', port: 0 }), held({ path })];
    assert.deepEqual(await taken([four.fd(), six.fd(), unix.fd()]), [
      `3 127.0.0.1:${portOf(four)}`,
      `4 [::1]:${portOf(six)}`,
      `5 ${path}`,
    ]);
  });

  it('have words by their names; names that are none of ours say nothing', async () => {
    const all = [local(), local(), local()];
    const [one, two, three] = all.map((socket) => `127.0.0.1:${portOf(socket)}`);
    const fds = all.map((socket) => socket.fd());
    assert.deepEqual(await taken(fds, 'tls,proxy:qpsmtpd-tls.socket'), [
      `3 ${one},tls,proxy`,
      `4 ${two}`,
      `5 ${three}`,
    ]);
  });

  it('with a word of ours beside one that is not are refused: it may have been meant', async () => {
    assert.match(
      String(await taken([local().fd()], 'tls,prxy')),
      /^FileDescriptorName=tls,prxy: ",prxy" in .* cannot stand there/,
    );
    const unix = held({ path: join(folder(), 'sock') });
    assert.match(
      String(await taken([unix.fd()], 'tls')),
      /^FileDescriptorName=tls: ",tls" in .* cannot stand there/,
    );
  });

  it('that are none are refused', async () => {
    const fd = openSync('/dev/null', 'r');
    cleanUp(() => closeSync(fd));
    assert.equal(await taken([fd]), 'the file descriptor 3 that was passed is no socket that listens');
  });

  for (const [what, env] of [
    ['for another process', { LISTEN_PID: '1', LISTEN_FDS: '1' }],
    ['for nobody', { LISTEN_FDS: '1' }],
    ['without a number', { LISTEN_PID: '7' }],
    ['with a number that is none', { LISTEN_PID: '7', LISTEN_FDS: '1x' }],
    ['none', { LISTEN_PID: '7', LISTEN_FDS: '0' }],
    ['below none', { LISTEN_PID: '7', LISTEN_FDS: '-1' }],
  ] as const) {
    it(`${what} are not taken, and leave the environment`, () => {
      const given: Record<string, string | undefined> = { ...env, OTHER: 'stays' };
      assert.deepEqual(takePassedSockets(given, 7), []);
      assert.deepEqual(given, { OTHER: 'stays' });
    });
  }
});
