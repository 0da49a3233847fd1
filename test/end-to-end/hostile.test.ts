// Clients that come in crowds to take all there is: places, time, file descriptors. Everybody else is served all the
// same, and nothing is left of them when they are gone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { cleanUp } from '../support/cleanup.ts';
import { eventually } from '../support/processes.ts';
import { programCommand } from '../support/program.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';

const discard = {
  'plugins/discard.mjs': `
    import { ok } from 'qpsmtpd';
    export default { name: 'discard', summary: '', setup: () => ({ rcpt: () => ok(), queue: () => ok() }) };
  `,
};
const config = { plugins: 'discard', me: 'mx.b.example', size_threshold: '1' };

function start(args: readonly string[] = [], program?: string): Promise<TestServer> {
  const options = { config, files: discard, args: ['--max-from-ip', '0', ...args] };
  return startServer(program === undefined ? options : { ...options, program });
}

/** Milliseconds of one session with a message, from the connect to the reply to QUIT. */
async function session(port: number): Promise<number> {
  const begun = performance.now();
  const client = await greeted({ port });
  await client.openData('a@a.example', 'user@b.example');
  client.send('Subject: honest\r\n\r\nbody\r\n.\r\n');
  await client.expect(250);
  await client.command('QUIT', 221);
  client.close();
  return performance.now() - begun;
}

/** The 99th percentile of so many sessions, one after the other, begun so many milliseconds apart. */
async function latency(port: number, { sessions = 100, apartMs = 0 } = {}): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < sessions; at++) {
    const spent = await session(port);
    times.push(spent);
    if (apartMs > spent) await pause(apartMs - spent);
  }
  return times.sort((one, other) => one - other)[Math.floor(sessions * 0.99) - 1] ?? Number.NaN;
}

function openSocket(port: number): Socket {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  cleanUp(() => void socket.destroy());
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

/** Sockets that have been greeted, in handfuls: a queue of the kernel has an end. */
async function crowd(port: number, size: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < size) {
    const some = Array.from({ length: Math.min(100, size - sockets.length) }, () => openSocket(port));
    await Promise.all(some.map((socket) => once(socket, 'data')));
    sockets.push(...some);
  }
  return sockets;
}

/** Clients that send an octet of one endless command each in `periodMs`, driven by one timer. Gives what ends that. */
function drip(sockets: readonly Socket[], periodMs: number): () => void {
  const tickMs = 50;
  const each = Math.ceil((sockets.length * tickMs) / periodMs);
  let next = 0;
  const wheel = setInterval(() => {
    for (let count = 0; count < each; count++) sockets[next++ % sockets.length]?.write('N');
  }, tickMs);
  return () => clearInterval(wheel);
}

/** What SIGUSR1 makes the server say. */
async function status(server: TestServer): Promise<string> {
  const lines = () => server.stderr().match(/status: .*\n/g) ?? [];
  const before = lines().length;
  process.kill(server.pid, 'SIGUSR1');
  await eventually(`a status line`, () => lines().length > before);
  return lines().at(-1) ?? '';
}

const spooled = ({ dir }: TestServer) => readdirSync(join(dir, 'spool'));
const openFiles = Number(
  /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1],
);

describe('a crowd that takes its time', () => {
  test('2,000 clients that send an octet in five seconds keep nobody waiting', async (t) => {
    const size = 2000;
    if (openFiles < 2 * size + 200) return t.skip(`the limit of ${openFiles} open files is too low`);
    const server = await start();
    await latency(server.port);
    const alone = await latency(server.port);
    const stop = drip(await crowd(server.port, size), 5000);
    try {
      assert.match(await status(server), / 2000 connections of /);
      const beside = await latency(server.port, { apartMs: 50 });
      t.diagnostic(
        `p99 of a session: ${alone.toFixed(1)} ms alone, ${beside.toFixed(1)} ms beside ${size} others`,
      );
      assert.ok(beside < alone + 100, `${beside} ms beside the crowd, ${alone} ms without it`);
    } finally {
      stop();
    }
  });
});

describe('crowds', { concurrency: 3 }, () => {
  test('a client finds a place ten seconds after a crowd has taken them all', async () => {
    const server = await start(['--limit-connections', '60']);
    const stop = drip(await crowd(server.port, 60), 1000);
    try {
      const refused = await connect(server.port);
      await refused.expect(/^421 4\.3\.2 too many connections/);
      await server.waitForLog(/stress begins, 48 of 60 places are taken/);
      await eventually(
        'a place',
        async () => {
          const client = await connect(server.port);
          const greeting = await client.expect(/^(?:220|421) /);
          client.close();
          return greeting.startsWith('220');
        },
        15_000,
      );
      await session(server.port);
      await server.waitForLog(/stress is over/);
      await server.waitForLog(/there is room again, \d+ clients were turned away/);
    } finally {
      stop();
    }
  });

  test('more clients than there are file descriptors are told to come back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    const { command, args } = programCommand();
    const poor = join(folder, 'poor');
    writeFileSync(poor, `#!/bin/sh\nulimit -n 160\nexec ${[command, ...args].join(' ')} "$@"\n`);
    chmodSync(poor, 0o700);
    const server = await start(['--limit-connections', '5000'], poor);
    await server.waitForLog(/at most 30 clients at a time: there are no file descriptors for more/);
    // All at once: more than the process can have open, so that some accepts fail.
    const sockets = Array.from({ length: 600 }, () => openSocket(server.port));
    const closed = await Promise.all(
      sockets.map((socket) => Promise.race([once(socket, 'close').then(() => 1), pause(1500).then(() => 0)])),
    );
    const left = closed.filter((isClosed) => isClosed === 0).length;
    assert.equal(left, 30);
    const before = cpuSeconds(server.pid);
    await pause(500);
    const used = cpuSeconds(server.pid) - before;
    assert.ok(used < 0.25, `the server was busy for ${used} of 0.5 s with clients that do nothing`);
    for (const socket of sockets) socket.destroy();
    await eventually('the last to go', async () => / 0 connections /.test(await status(server)));
    await session(server.port);
  });
});

const commands = 'EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<user@b.example>\r\nDATA\r\n';
const message = 'Subject: gone\r\n\r\nbody of a message that is spooled\r\n';

/** What a client sends before it breaks off, and what it waits for before that. */
const breakOffs: readonly (readonly [sent: string, until: RegExp | null])[] = [
  ['', null],
  ['EHLO c.exam', /^220/],
  [commands.slice(0, 30), null],
  [commands, null],
  [commands, /^354/m],
  [`${commands}${message}`, /^354/m],
  [`${commands}${message}.\r\n`, null],
  [`${commands}${message}.\r\n`, /^354/m],
];

async function breakOff(port: number, [sent, awaited]: (typeof breakOffs)[number]): Promise<void> {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  const over = once(socket, 'close');
  let heard = '';
  socket.on('error', () => {});
  socket.on('connect', () => {
    if (sent !== '') socket.write(sent);
    if (awaited === null) socket.resetAndDestroy();
  });
  socket.on('data', (text) => {
    heard += text.toString('latin1');
    if (awaited?.test(heard)) socket.resetAndDestroy();
  });
  await over;
}

describe('a crowd that breaks off', () => {
  test('thousands of resets in a second, at any moment, leave nothing behind', async (t) => {
    const server = await start();
    const begun = performance.now();
    let count = 0;
    const one = async () => {
      while (performance.now() - begun < 3000) {
        const way = breakOffs[count++ % breakOffs.length];
        if (way !== undefined) await breakOff(server.port, way);
      }
    };
    await Promise.all(Array.from({ length: 100 }, one));
    const rate = Math.round((count / (performance.now() - begun)) * 1000);
    t.diagnostic(`${count} connections were reset, ${rate} a second`);
    assert.ok(count > 1000, `${count} connections`);
    await eventually('an empty server', async () =>
      / 0 connections of \d+ from 0 addresses, 0 sockets, 0 deadlines, /.test(await status(server)),
    );
    assert.deepEqual(spooled(server), []);
    assert.doesNotMatch(server.stderr(), /error|fault/);
    await session(server.port);
  });
});

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
