// The log of a server at a syslog daemon of this host, by the real logger: whoever runs the server, and however it ends.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { plain, startDatagramDaemon } from '../plugins/logging/syslog-support.ts';
import { cleanUp } from '../support/cleanup.ts';
import { childrenOf, eventually, isRunning } from '../support/processes.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';
import { startSuperServer } from '../support/super-server.ts';

async function makeDaemon() {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, 'log');
  return { socket, daemon: await startDatagramDaemon(socket) };
}

const configWith = (socket: string) => ({
  plugins: ['rcpt_ok', 'queue/discard'],
  logging: `logging/syslog loglevel info socket ${socket} facility local3 ident mx`,
  rcpthosts: 'b.example',
});

async function sendMessage(server: Pick<TestServer, 'port'>): Promise<void> {
  const client = await greeted(server);
  await client.openData('sender@a.example', 'user@b.example');
  client.send('Subject: one\r\n\r\nbody\r\n.\r\n');
  await client.expect(250);
  await client.command('QUIT', 221);
  await client.closed();
}

/** with two log lines each */
const NOOPS = 300;

const INFO = 19 * 8 + 6;
const WARN = 19 * 8 + 4;
const NOTICE = 19 * 8 + 5;

describe('logging/syslog', () => {
  test('keeps the log of serve to its last word, and one logger runs beside the server', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startServer({ config: configWith(socket) });
    await sendMessage(server);
    await eventually('the session is in the log', () => /click, disconnecting/.test(daemon.taken().join()));
    const loggers = childrenOf(server.pid);
    assert.equal(loggers.length, 1);
    assert.equal(await server.stop(), 0);
    // It was waited for.
    assert.ok(!loggers.some(isRunning));
    await eventually('the last word is there', () => /shutting down/.test(daemon.taken().at(-1) ?? ''));
    const { pid } = server;
    const lines = daemon.taken().map(plain);
    assert.ok(lines.includes(`<${INFO}>mx[${pid}]: ${pid}.1 dispatching RCPT TO:<user@b.example>`));
    assert.ok(
      lines.includes(
        `<${INFO}>mx[${pid}]: ${pid}.1 (rcpt) rcpt_ok: pass, b.example in rcpthosts as b.example`,
      ),
    );
    assert.ok(lines.some((line) => line.startsWith(`<${WARN}>mx[${pid}]: ${pid}.1 (queue) queue/discard: `)));
    assert.equal(lines.at(-1), `<${NOTICE}>mx[${pid}]: ${pid} shutting down: no new clients`);
    assert.doesNotMatch(server.stderr(), /syslog/);
  });

  test('a client can forge neither a line nor a priority', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startServer({ config: configWith(socket) });
    const client = await greeted(server);
    await client.command(`<0>forged ${'<0>'.repeat(600)}\n<0>again\0`, 500);
    // The LF ends a line, which is told, too.
    await client.expect(500);
    await client.command('QUIT', 221);
    await server.stop();
    const lines = daemon.taken().map(plain);
    assert.ok(lines.some((line) => line.includes('<0>forged')));
    const expected = new RegExp(
      `^<(?:${INFO}|${NOTICE}|${WARN})>mx\\[${server.pid}\\]: ${server.pid}(?:\\.1)? `,
    );
    for (const line of lines) assert.match(line, expected);
  });

  test('what was logged gets there when the server is killed, although nobody hears of it', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startServer({
      config: { ...configWith(socket), max_commands_without_mail: '1000' },
    });
    const client = await greeted(server);
    await eventually('the session is in the log', () => /dispatching EHLO/.test(daemon.taken().join()));
    // More than fits into the queue of a socket.
    daemon.hold(true);
    client.send('NOOP\r\n'.repeat(NOOPS));
    for (let count = 0; count < NOOPS; count++) await client.expect(250);
    const [logger = 0] = childrenOf(server.pid);
    assert.ok(isRunning(logger));
    await server.kill();
    daemon.hold(false);
    await eventually('logger has gone', () => !isRunning(logger));
    const dispatched = daemon.taken().filter((line) => /dispatching NOOP/.test(line));
    assert.equal(dispatched.length, NOOPS);
  });

  test('a reload goes on with another logger, and with none after that', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startServer({ config: configWith(socket) });
    await sendMessage(server);
    await eventually('the first is in the log', () => /\.1 click/.test(daemon.taken().join()));
    const [first] = childrenOf(server.pid);
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
    await sendMessage(server);
    await eventually('the second is in the log', () => /\.2 click/.test(daemon.taken().join()));
    await eventually('one logger is left', () => childrenOf(server.pid).length === 1);
    assert.notEqual(childrenOf(server.pid)[0], first);
    assert.equal(await server.stop(), 0);
  });

  test('the mail goes on without a daemon, and what was logged meanwhile is not lost', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startServer({ config: configWith(socket) });
    await sendMessage(server);
    await eventually('the first is in the log', () => /\.1 click/.test(daemon.taken().join()));
    await daemon.stop();
    await sendMessage(server);
    await sendMessage(server);
    await server.waitForLog(
      /logging\/syslog: error, log entries do not get to syslog by logger: .*No such file/,
    );
    const other = await startDatagramDaemon(socket);
    await eventually('the others are in the log', () => /\.3 click/.test(other.taken().join()));
    const dispatched = other.taken().filter((line) => /dispatching MAIL/.test(line));
    assert.equal(dispatched.length, 2);
    await server.waitForLog(/logging\/syslog: syslog takes log entries again/);
  });

  test('keeps the log of the workers of forkserver', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startServer({
      config: configWith(socket),
      model: 'forkserver',
      args: ['--workers', '2'],
    });
    await sendMessage(server);
    assert.equal(await server.stop(), 0);
    const text = daemon.taken().map(plain).join('\n');
    const [, worker] = /^<\d+>mx\[(\d+)\]: \1\.1 click, disconnecting$/m.exec(text) ?? [];
    assert.ok(worker !== undefined && worker !== String(server.pid), text);
  });

  test('keeps the log of one client on standard input, the end included', async () => {
    const { socket, daemon } = await makeDaemon();
    const server = await startSuperServer({ config: configWith(socket) });
    await sendMessage(server);
    const { code, stderr } = await server.served(0);
    assert.equal(code, 0, stderr);
    await eventually('the end is in the log', () => /click, disconnecting/.test(daemon.taken().join()));
  });
});
