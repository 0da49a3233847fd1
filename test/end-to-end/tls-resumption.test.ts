// TLS sessions that are resumed with another worker, after a reload and after SIGUSR2; and those that are not, since more
// is demanded than when they began. With Node's client and with openssl s_client, for TLS 1.2 and 1.3.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { makeCertificate } from '../support/certificates.ts';
import { handOver } from '../support/hand-over.ts';
import { whoServes, withOnly, workerOf, workersOf } from '../support/one-worker.ts';
import { eventually, isRunning } from '../support/processes.ts';
import { run } from '../support/program.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { startTls } from '../support/tls-dialog.ts';

const mx = makeCertificate('mx.example');
const ca = makeCertificate('Test CA', { isCa: true });
const known = makeCertificate('client.example', { issuer: ca });
const own = { cert: known.cert, key: known.key };
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

function start(model: 'serve' | 'forkserver'): Promise<TestServer> {
  return startServer({
    model,
    config: { plugins: pluginLines('tls'), loglevel: 'info' },
    files: {
      ...whoServes,
      'ssl/qpsmtpd-server.crt': mx.cert,
      'ssl/qpsmtpd-server.key': mx.key,
      'ssl/qpsmtpd-ca.crt': ca.cert,
    },
    args: model === 'forkserver' ? ['--workers', '2'] : [],
  });
}

const pluginLines = (tls: string) => [tls, 'whoami', 'rcpt_ok'];

async function reload(server: TestServer, tls = 'tls'): Promise<void> {
  writeFileSync(join(server.dir, 'config', 'plugins'), `${pluginLines(tls).join('\n')}\n`);
  const before = server.stderr().length;
  server.signal('SIGHUP');
  await eventually('a reload', () => /configuration is read anew/.test(server.stderr().slice(before)));
}

interface Visit {
  readonly session: Buffer;
  readonly isReused: boolean;
  /** process id of who has served */
  readonly servedBy: number;
}

async function visit({ port }: TestServer, options: ConnectionOptions): Promise<Visit> {
  const { client, socket } = await startTls(port, options);
  // TLS 1.2 gives the session with the handshake, 1.3 behind it; and a client that resumes has one already.
  const comes = options.session === undefined && socket.getProtocol() === 'TLSv1.3';
  const coming = comes ? once(socket, 'session') : null;
  await client.command('EHLO client.example', 250);
  const servedBy = await workerOf(client);
  const [session] = coming === null ? [options.session ?? socket.getSession()] : ((await coming) as [Buffer]);
  await client.command('QUIT', 221);
  assert.ok(session !== undefined);
  return { session, isReused: socket.isSessionReused(), servedBy };
}

const only = (version: (typeof versions)[number]) => ({ minVersion: version, maxVersion: version });

for (const version of versions) {
  describe(`resumption in ${version}`, () => {
    test('with another worker, and with those after a reload', async () => {
      const server = await start('forkserver');
      const [one = 0, other = 0] = await workersOf(server, 2);
      const first = await withOnly(server, one, () => visit(server, only(version)));
      assert.deepEqual([first.servedBy, first.isReused], [one, false]);
      const { session } = first;
      const second = await withOnly(server, other, () => visit(server, { ...only(version), session }));
      assert.deepEqual([second.servedBy, second.isReused], [other, true]);
      await reload(server);
      const third = await visit(server, { ...only(version), session });
      assert.ok(![one, other].includes(third.servedBy));
      assert.equal(third.isReused, true);
    });

    test('with one process, after a reload and under another certificate', async () => {
      const server = await start('serve');
      const { session } = await visit(server, only(version));
      const renewed = makeCertificate('mx.example');
      writeFileSync(join(server.dir, 'ssl', 'qpsmtpd-server.crt'), renewed.cert);
      writeFileSync(join(server.dir, 'ssl', 'qpsmtpd-server.key'), renewed.key);
      await reload(server);
      assert.equal((await visit(server, { ...only(version), session })).isReused, true);
    });

    for (const model of ['serve', 'forkserver'] as const) {
      test(`with the process that takes the place of a ${model}`, async () => {
        const server = await start(model);
        const first = await visit(server, only(version));
        await handOver(server, server.pid);
        await eventually('the end of the old one', () => !isRunning(server.pid));
        const { session } = first;
        const second = await visit(server, { ...only(version), session });
        assert.notEqual(second.servedBy, first.servedBy);
        assert.equal(second.isReused, true);
      });
    }

    test('not where a certificate is demanded now, and none was when it began', async () => {
      for (const before of ['tls', 'tls client_cert ask']) {
        const server = await start('serve');
        await reload(server, before);
        const { session } = await visit(server, only(version));
        const named = await visit(server, { ...only(version), ...own });
        await reload(server, 'tls client_cert require');
        // A certificate that it could show does not help a client that goes on with a session without one.
        const again = await visit(server, { ...only(version), ...own, session });
        assert.equal(again.isReused, false);
        assert.equal(
          (await visit(server, { ...only(version), ...own, session: named.session })).isReused,
          false,
        );
        await assert.rejects(visit(server, { ...only(version), session }));
        // One that began where it is demanded is resumed, and still counts.
        const strict = await visit(server, { ...only(version), ...own });
        assert.equal(
          (await visit(server, { ...only(version), ...own, session: strict.session })).isReused,
          true,
        );
        await server.stop();
      }
    });

    test('not where the versions or ciphers are others now', async () => {
      const server = await start('serve');
      const { session } = await visit(server, only(version));
      writeFileSync(join(server.dir, 'config', 'tls_ciphers'), 'ECDHE-ECDSA-AES256-GCM-SHA384\n');
      await reload(server);
      assert.equal((await visit(server, { ...only(version), session })).isReused, false);
    });
  });
}

const openssl = (await run('openssl', ['version'])).code === 0 ? false : 'openssl is not installed';

describe('resumption with openssl s_client', { skip: openssl }, () => {
  for (const [version, flag] of [
    ['TLSv1.2', '-tls1_2'],
    ['TLSv1.3', '-tls1_3'],
  ] as const) {
    test(version, async () => {
      const server = await start('forkserver');
      const [one = 0, other = 0] = await workersOf(server, 2);
      const file = join(server.dir, 'session.pem');
      const talk = async (...session: readonly string[]) => {
        const to = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-starttls', 'smtp', flag];
        // It leaves when the server does.
        const input = 'EHLO client.example\r\nNOOP\r\nQUIT\r\n'.toLowerCase();
        const { stdout } = await run('openssl', [...to, '-crlf', '-ign_eof', ...session], { input });
        return stdout;
      };
      const first = await withOnly(server, one, () => talk('-sess_out', file));
      assert.match(first, /^New, /m);
      assert.match(first, new RegExp(`250 .*${one}`));
      const second = await withOnly(server, other, () => talk('-sess_in', file));
      assert.match(second, /^Reused, /m);
      assert.match(second, new RegExp(`250 .*${other}`));
    });
  }
});
