// What an operator does to a running server: stop it, reload it, edit its files, limit its clients.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../support/processes.ts';
import { filesIn, recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';

function start(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const { config, files, ...rest } = options;
  return startServer({
    config: { plugins: ['rcpt_ok', recordLine], rcpthosts: 'b.example', loglevel: 'notice', ...config },
    files: { ...recordPlugin, ...files },
    ...rest,
  });
}

function writeConfig({ dir }: TestServer, name: string, lines: readonly string[]): void {
  writeFileSync(join(dir, 'config', name), `${lines.join('\n').replaceAll('@DIR@', dir)}\n`);
}

describe('SIGTERM', () => {
  test('no new clients, 421 for those there are, exit code 0, pid file gone', async () => {
    const server = await start({ args: ['--pid-file', '@DIR@/pid'] });
    const pidFile = join(server.dir, 'pid');
    const client = await greeted(server);
    assert.equal(readFileSync(pidFile, 'latin1'), `${server.pid}\n`);
    server.signal('SIGTERM');
    await server.waitForLog(/shutting down/);
    await assert.rejects(connect(server.port), { code: 'ECONNREFUSED' });
    await client.command('NOOP', /^421 4\.3\.2 /);
    assert.equal(await client.closed(), '');
    assert.equal(await server.exited, 0);
    assert.equal(existsSync(pidFile), false);
  });

  test('a message that is under way is taken first', async () => {
    const server = await start();
    const client = await greeted(server);
    await client.openData('a@a.example', 'user@b.example');
    client.send('Subject: under way\r\n\r\n');
    server.signal('SIGTERM');
    await server.waitForLog(/shutting down/);
    client.send('body\r\n.\r\n');
    await client.expect(250);
    await client.command('NOOP', 421);
    assert.equal(await server.exited, 0);
    assert.equal(recordedMessages(server.dir).length, 1);
  });

  test('without clients it ends at once; SIGINT is as good, and a second signal does no harm', async () => {
    const server = await start();
    server.signal('SIGINT');
    server.signal('SIGTERM');
    assert.equal(await server.exited, 0);
    assert.doesNotMatch(server.stderr(), /error/);
  });

  test('the pid file of a process that is gone is taken over', async () => {
    const server = await start({ files: { pid: '999999999' }, args: ['--pid-file', '@DIR@/pid'] });
    const pidFile = join(server.dir, 'pid');
    await eventually('own pid', async () => readFileSync(pidFile, 'latin1') === `${server.pid}\n`);
    assert.equal(await server.stop(), 0);
    assert.equal(existsSync(pidFile), false);
  });
});

describe('SIGHUP', () => {
  test('a new plugins file counts for new clients; those there are keep the old one', async () => {
    const server = await start();
    const old = await greeted(server);
    writeConfig(server, 'plugins', [recordLine]);
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
    const young = await greeted(server);
    await young.command('MAIL FROM:<a@a.example>', 250);
    await young.command('RCPT TO:<user@b.example>', /^450 4\.7\.1 /);
    await old.envelope('a@a.example', 'user@b.example');
  });

  test('a plugin that comes with the new file is set up whole, its post-fork hook included', async () => {
    const server = await start();
    writeConfig(server, 'plugins', ['forked', 'rcpt_ok', 'queue/maildir @DIR@/Maildir']);
    writeFileSync(
      join(server.dir, 'plugins', 'forked.mjs'),
      `export default {
         name: 'forked', summary: '',
         setup: ({ log }) => ({ 'post-fork': () => log.warn('ready to serve') }),
       };`,
    );
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
    const client = await greeted(server);
    await client.openData('a@a.example', 'user@b.example');
    client.send('Subject: x\r\n\r\nbody\r\n.\r\n');
    await client.expect(250);
    assert.equal(filesIn(join(server.dir, 'Maildir', 'new')).length, 1);
    await server.waitForLog(/forked: ready to serve/);
  });

  test('a bad plugins file is named with its line, and the old configuration goes on', async () => {
    const server = await start();
    writeConfig(server, 'plugins', ['# ours', 'rcpt_ok', 'rcpt_okay']);
    server.signal('SIGHUP');
    await server.waitForLog(/config\/plugins:3: no plugin "rcpt_okay"/);
    await server.waitForLog(/new configuration is not used/);
    const client = await greeted(server);
    await client.envelope('a@a.example', 'user@b.example');
    writeConfig(server, 'plugins', ['rcpt_ok', recordLine]);
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
  });
});

describe('edits without a restart', () => {
  test('a new line of badmailfrom counts about a second later', async () => {
    const server = await start({
      config: { plugins: ['badmailfrom', 'rcpt_ok', recordLine], badmailfrom: '@spam.example' },
    });
    const client = await greeted(server);
    await client.command('MAIL FROM:<x@spam.example>', 550);
    await client.command('MAIL FROM:<x@other.example>', 250);
    writeConfig(server, 'badmailfrom', ['@spam.example', '@other.example']);
    const since = Date.now();
    await eventually('550', async () =>
      (await client.command('MAIL FROM:<x@other.example>', /^/)).startsWith('550'),
    );
    assert.ok(Date.now() - since < 6000, `after ${Date.now() - since} ms`);
  });

  test('a file that was not there at the start counts too (quirk 19)', async () => {
    const server = await start();
    const client = await greeted(server);
    writeConfig(server, 'databytes', ['1000']);
    await eventually('552', async () => {
      await client.command('RSET', 250);
      return (await client.command('MAIL FROM:<a@a.example> SIZE=2000', /^/)).startsWith('552');
    });
  });

  test('a bad value is logged with its place, and the last good one goes on', async () => {
    const server = await start({ config: { databytes: '1000' } });
    const client = await greeted(server);
    await client.command('MAIL FROM:<a@a.example> SIZE=2000', 552);
    writeConfig(server, 'databytes', ['plenty']);
    await eventually('log', async () => {
      await client.command('MAIL FROM:<a@a.example> SIZE=2000', 552);
      return /config\/databytes:1: "plenty" is not /.test(server.stderr());
    });
  });
});

describe('limits of clients', () => {
  for (const option of ['--limit-connections', '--max-from-ip']) {
    test(`${option} 2: the third client hears 421, and one may come when one has left`, async () => {
      const server = await start({ args: [option, '2'] });
      const [first] = [await greeted(server), await greeted(server)];
      const third = await connect(server.port);
      await third.expect(/^421 4\.(?:3\.2|7\.0) too many connections/);
      assert.equal(await third.closed(), '');
      await first.command('QUIT', 221);
      await first.closed();
      await eventually('220', async () => {
        const next = await connect(server.port);
        return (await next.expect(/^(220|421) /)).startsWith('220');
      });
    });
  }
});

describe('a plugin on disk', () => {
  const greylistedPostmaster = `
    import { definePlugin, denySoft, option, type Verdict } from 'qpsmtpd';

    interface Seen { count: number }

    export default definePlugin({
      name: 'rcpt_later',
      summary: 'rcpt_ok that puts off the first recipients',
      extends: 'rcpt_ok',
      options: { times: option.integer({ default: 1, doc: 'how many of a connection to put off' }) },
      positional: ['times'],
      setup({ base, options, perConnection }) {
        const seen = perConnection((): Seen => ({ count: 0 }));
        return {
          async rcpt(at, recipient, params): Promise<Verdict> {
            if (++seen(at.connection).count <= options.times) return denySoft('come again', '4.7.1');
            return base.rcpt(at, recipient, params);
          },
        };
      },
    });
  `;

  test('written in TypeScript, may extend a bundled one', async () => {
    const server = await start({
      config: { plugins: ['rcpt_later 2', recordLine] },
      files: { 'plugins/rcpt_later.ts': greylistedPostmaster },
    });
    for (let round = 0; round < 2; round++) {
      const client = await greeted(server);
      await client.command('MAIL FROM:<a@a.example>', 250);
      await client.command('RCPT TO:<user@b.example>', /^450 4\.7\.1 come again$/);
      await client.command('RCPT TO:<user@b.example>', 450);
      await client.command('RCPT TO:<user@b.example>', 250);
      await client.command('RCPT TO:<user@elsewhere.example>', 550);
    }
  });

  test('may stand in for a bundled one of the same name, and import a file beside it', async () => {
    const server = await start({
      config: { plugins: ['rcpt_ok', recordLine] },
      files: {
        'plugins/rcpt_ok.mjs': `
          import { definePlugin, deny } from 'qpsmtpd';
          import { text } from './lib/text.ts';
          export default definePlugin({
            name: 'rcpt_ok', summary: 'nobody', setup: () => ({ rcpt: () => deny(text) }),
          });
        `,
        'plugins/lib/text.ts': `export const text: string = 'nobody lives here';`,
      },
    });
    const client = await greeted(server);
    await client.command('MAIL FROM:<a@a.example>', 250);
    await client.command('RCPT TO:<user@b.example>', /^550 5\.7\.1 nobody lives here$/);
  });
});
