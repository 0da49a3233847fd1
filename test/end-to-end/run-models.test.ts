// forkserver: a parent that holds the sockets, and workers that may die, hang or be replaced while clients come and go.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
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

/** What a client of its own hears to NOOP. */
async function noopOf(server: TestServer): Promise<string> {
  const client = await greeted(server);
  const reply = await client.command('NOOP', 250);
  await client.command('QUIT', 221);
  return reply;
}

/** Resolves when each worker knows of so many clients of all: what they say to each other takes its time. */
async function allKnow(server: TestServer, clients: number): Promise<void> {
  const workers = childrenOf(server.pid);
  const from = server.stderr().length;
  await eventually(`${clients} clients`, () => {
    process.kill(server.pid, 'SIGUSR1');
    const said = server.stderr().slice(from);
    return workers.every((pid) => said.includes(`${pid} status: ${clients} connections of `));
  });
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
    // An old worker may take one more before it hears of it.
    await eventually('the new plugin', async () => (await noopOf(server)).endsWith('second'));
    await old.command('NOOP', /first/);
    await old.command('QUIT', 221);
    writeFileSync(join(server.dir, 'plugins', 'version.ts'), 'this is no code');
    server.signal('SIGHUP');
    await server.waitForLog(/the new configuration is not used: the old workers go on/);
    assert.match(await noopOf(server), /second/);
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
      const reply = await client.expect(/^(?:220|421) /);
      replies.push(reply);
      if (reply.startsWith('421')) await client.closed();
      await allKnow(server, Math.min(at + 1, 3));
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
