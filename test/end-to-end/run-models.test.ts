// forkserver: a parent that holds the sockets, and workers that may die, hang or be replaced while clients come and go.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { numberedMessage, numberOf } from '../support/mail-load.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted, type SmtpDialog } from '../support/smtp-dialog.ts';

interface Options extends Pick<ServerOptions, 'args' | 'files'> {
  readonly plugins?: readonly string[];
  readonly config?: Readonly<Record<string, string>>;
}

function start({ plugins = [], args = [], files = {}, config = {} }: Options = {}): Promise<TestServer> {
  return startServer({
    model: 'forkserver',
    config: {
      plugins: [...plugins, 'rcpt_ok', 'queue/maildir @DIR@/mail'],
      rcpthosts: 'b.example',
      loglevel: 'notice',
      ...config,
    },
    files,
    args: ['--workers', '2', ...args],
  });
}

/** Process ids of the children of a process. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

async function eventually(what: string, isSo: () => boolean, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `${what}: not within ${limitMs} ms`);
    await pause(20);
  }
}

/** A client of its own that says NOOP and leaves. */
async function sayNoop(server: TestServer, expected: RegExp): Promise<void> {
  const client = await greeted(server);
  await client.command('NOOP', expected);
  await client.command('QUIT', 221);
}

const bothServe = (server: TestServer) =>
  eventually('two workers', () => childrenOf(server.pid).length === 2);

interface Load {
  readonly taken: Set<number>;
  readonly refused: string[];
  /** sessions that broke after they had begun */
  broken: number;
  stop(): Promise<void>;
}

/** Clients that send one message in each session, and count what becomes of them. */
function startLoad(port: number, clients: number): Load {
  const around = { next: 0, isOver: false };
  const load = { taken: new Set<number>(), refused: [] as string[], broken: 0 };
  const client = async () => {
    while (!around.isOver) {
      const number = around.next++;
      const dialog = await connect(port).catch((error: unknown) => void load.refused.push(String(error)));
      if (dialog === undefined) continue;
      try {
        await dialog.greet();
        await dialog.openData('sender@example.net', 'user@b.example');
        await dialog.command(`${numberedMessage(number)}.`, 250);
        load.taken.add(number);
        await dialog.command('QUIT', 221);
      } catch {
        load.broken++;
      }
      dialog.close();
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return Object.assign(load, {
    async stop() {
      around.isOver = true;
      await all;
    },
  });
}

function deliveredNumbers(server: TestServer): Set<number> {
  const folder = join(server.dir, 'mail', 'new');
  const numbers = readdirSync(folder).map((name) => numberOf(readFileSync(join(folder, name), 'latin1')));
  return new Set(numbers.filter((number) => number !== null));
}

function assertNoneLost(load: Load, server: TestServer): void {
  const delivered = deliveredNumbers(server);
  assert.deepEqual(
    [...load.taken].filter((number) => !delivered.has(number)),
    [],
  );
}

describe('forkserver', () => {
  test('serves with as many workers as asked for, stops in order, and leaves nobody behind', async () => {
    const server = await start({ args: ['--pid-file', '@DIR@/pid'] });
    await bothServe(server);
    const workers = childrenOf(server.pid);
    const client = await greeted(server);
    server.signal('SIGTERM');
    await server.waitForLog(/shutting down/);
    await client.command('NOOP', /^421 4\.3\.2 /);
    assert.equal(await server.exited, 0);
    for (const pid of workers) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  test('a mistake in the configuration is told, and nothing is served', async () => {
    await assert.rejects(start({ plugins: ['no_such_plugin'] }), /no_such_plugin/);
  });

  test('workers that are killed under load break no session but their own, and lose no mail', async () => {
    const server = await start();
    await bothServe(server);
    const load = startLoad(server.port, 4);
    const kills = 8;
    for (let at = 0; at < kills; at++) {
      await pause(250);
      const [victim] = childrenOf(server.pid);
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
    }
    await pause(300);
    await load.stop();
    assert.deepEqual(load.refused, []);
    assert.ok(load.taken.size > 20, `${load.taken.size} messages`);
    assert.ok(load.broken <= kills * 4, `${load.broken} sessions broke`);
    assertNoneLost(load, server);
    await server.waitForLog(/error, worker \d+ has died \(SIGKILL\)/);
    await bothServe(server);
  });

  test('SIGHUP again and again under load refuses nobody and breaks nothing', async () => {
    const server = await start();
    await bothServe(server);
    const old = childrenOf(server.pid);
    const load = startLoad(server.port, 2);
    for (let at = 0; at < 200; at++) {
      server.signal('SIGHUP');
      await pause(20);
    }
    await load.stop();
    assert.deepEqual([load.refused, load.broken], [[], 0]);
    assert.ok(load.taken.size > 20, `${load.taken.size} messages`);
    assertNoneLost(load, server);
    await eventually('new workers', () => childrenOf(server.pid).every((pid) => !old.includes(pid)));
    await server.waitForLog(/configuration is read anew/);
  });

  test('after SIGHUP new clients have new plugin code, and old ones go on with the old', async () => {
    const version = (words: string) => `
      import { definePlugin, ok } from 'qpsmtpd';
      export default definePlugin({ name: 'version', summary: 'says it', setup: () => ({ noop: () => ok('${words}') }) });
    `;
    const server = await start({ plugins: ['version'], files: { 'plugins/version.ts': version('first') } });
    const old = await greeted(server);
    await old.command('NOOP', /first/);
    writeFileSync(join(server.dir, 'plugins', 'version.ts'), version('second'));
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
    await sayNoop(server, /second/);
    await old.command('NOOP', /first/);
    await old.command('QUIT', 221);
    writeFileSync(join(server.dir, 'plugins', 'version.ts'), 'this is no code');
    server.signal('SIGHUP');
    await server.waitForLog(/the new configuration is not used: the old workers go on/);
    await sayNoop(server, /second/);
    await server.stop();
  });

  test('a worker that a plugin blocks is replaced, and the plugin named', async () => {
    const server = await start({
      plugins: ['blocking'],
      args: ['--worker-timeout', '1'],
      files: {
        'plugins/blocking.ts': `
          import { definePlugin } from 'qpsmtpd';
          export default definePlugin({
            name: 'blocking', summary: 'blocks',
            setup: () => ({ noop() { for (;;); } }),
          });
        `,
      },
    });
    await bothServe(server);
    const client = await greeted(server);
    client.send('NOOP\r\n');
    await server.waitForLog(
      /the event loop has not answered for 1 s, blocked by blocking \(noop\): the worker is ended/,
    );
    await server.waitForLog(/error, worker \d+ has died \(SIGKILL\)/);
    await (await greeted(server)).command('QUIT', 221);
  });

  test('limits count over all workers', async () => {
    const server = await start({ args: ['-m', '3', '-c', '50'] });
    await bothServe(server);
    const replies: string[] = [];
    const clients: SmtpDialog[] = [];
    for (let at = 0; at < 8; at++) {
      const client = await connect(server.port);
      clients.push(client);
      replies.push(await client.expect(/^(?:220|421) /));
      // Longer than what workers say to each other takes.
      await pause(100);
    }
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 3)),
      ['220', '220', '220', '421', '421', '421', '421', '421'],
    );
    for (const client of clients) client.close();
    await server.stop();
  });

  test('-H asks nobody for names', async () => {
    const server = await start({ args: ['-H'] });
    const client = await connect(server.port);
    await client.expect(220);
    await client.command('EHLO client.example', / Hi \[127\.0\.0\.1\] \[127\.0\.0\.1\]/);
    await client.command('QUIT', 221);
  });
});
