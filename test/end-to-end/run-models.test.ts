// forkserver: a parent that holds the sockets, and workers that may die, hang or be replaced while clients come and go.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { childrenOf, eventually } from '../support/processes.ts';
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

/** A client of its own that says NOOP and leaves. */
async function sayNoop(server: TestServer, expected: RegExp): Promise<void> {
  const client = await greeted(server);
  await client.command('NOOP', expected);
  await client.command('QUIT', 221);
}

const bothServe = (server: TestServer) =>
  eventually('two workers', () => childrenOf(server.pid).length === 2);

describe('forkserver', () => {
  test('serves with as many workers as asked for, stops in order, and leaves nobody behind', async () => {
    const server = await start({ args: ['--pid-file', '@DIR@/pid'] });
    await bothServe(server);
    const workers = childrenOf(server.pid);
    const client = await greeted(server);
    server.signal('SIGTERM');
    await server.waitForLog(/shutting down/);
    // The worker hears of it a moment later than we do.
    while ((await client.command('NOOP', /^(?:250|421 4\.3\.2) /)).startsWith('250'));
    assert.equal(await server.exited, 0);
    for (const pid of workers) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  test('a mistake in the configuration is told, and nothing is served', async () => {
    await assert.rejects(start({ plugins: ['no_such_plugin'] }), /no_such_plugin/);
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
