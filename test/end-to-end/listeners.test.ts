// Kinds of listeners, and clients that say who somebody else is: with swaks as LMTP client, as XCLIENT client and
// as proxy, and with Node's TLS behind a PROXY header.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { accountOf } from '../../src/server/privileges.ts';
import { makeCertificate } from '../support/certificates.ts';
import { cleanUp } from '../support/cleanup.ts';
import { run } from '../support/program.ts';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { type ConfigFiles, startServer, type TestServer } from '../support/server-process.ts';
import { connect, SmtpDialog } from '../support/smtp-dialog.ts';

interface Options {
  readonly listen?: readonly string[];
  readonly config?: ConfigFiles;
  readonly plugins?: readonly string[];
  readonly args?: readonly string[];
}

const certificate = makeCertificate('mx.b.example');

function start({ listen = [], config = {}, plugins = [], args = [] }: Options): Promise<TestServer> {
  return startServer({
    config: {
      plugins: [...plugins, 'rcpt_ok', recordLine],
      rcpthosts: 'b.example',
      me: 'mx.b.example',
      ...config,
    },
    files: { ...recordPlugin, 'ssl/mx.crt': certificate.cert, 'ssl/mx.key': certificate.key },
    args: [...listen.flatMap((address) => ['--listen', address]), ...args],
  });
}

/** Port of the listener with these words. */
async function portOf(server: TestServer, words: string): Promise<number> {
  const [, port] = await server.waitForLog(new RegExp(`Listening on 127\\.0\\.0\\.1:(\\d+)${words}\\n`));
  return Number(port);
}

async function swaks(...args: readonly string[]): Promise<string> {
  const to = ['--from', 'a@a.example', '--data', 'Subject: x\\n\\ntext', '--helo', 'swaks.example'];
  const { code, stdout, stderr } = await run('swaks', [...to, ...args]);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

const at = (port: number) => ['--server', `127.0.0.1:${port}`] as const;
const toUser = ['--to', 'user@b.example'] as const;
const receivedOf = ({ dir }: TestServer) =>
  recordedMessages(dir).map(({ content }) => /^Received: (?:.*\n[ \t])*.*/m.exec(content)?.[0] ?? '');

const missing = (await run('sh', ['-c', 'command -v swaks'])).code === 0 ? false : 'swaks is not installed';

describe('listeners, with swaks', { concurrency: 4, skip: missing }, () => {
  test('LMTP by TCP and by a unix socket: one reply for each recipient', async () => {
    const server = await start({ listen: ['127.0.0.1:0,lmtp', '@DIR@/lmtp,lmtp,mode=0600'] });
    const port = await portOf(server, ',lmtp');
    const users = ['--to', 'user@b.example,other@b.example', '--protocol', 'LMTP'];
    for (const place of [at(port), ['--socket', join(server.dir, 'lmtp')]]) {
      const talk = await swaks(...place, ...users);
      assert.match(talk, /220 mx\.b\.example LMTP/);
      for (const user of ['user', 'other'])
        assert.ok(talk.includes(`250 2.0.0 <${user}@b.example> recorded`), talk);
    }
    const received = receivedOf(server);
    assert.equal(received.length, 2);
    for (const text of received) assert.match(text, /with LMTP;/);
  });

  test('PRDR: 353, a reply for each recipient, and one for the message', async () => {
    const server = await start({});
    const talk = await swaks(...at(server.port), '--prdr', '--to', 'user@b.example,other@b.example');
    assert.match(
      talk,
      /353 [\s\S]*250 2\.0\.0 <user@b\.example>[\s\S]*250 2\.0\.0 <other@b\.example>[\s\S]*250 2\.0\.0 recorded/,
    );
  });

  test('XCLIENT: the message comes from the client that the proxy names', async () => {
    const server = await start({ config: { xclient_networks: '127.0.0.1' } });
    const client = [
      '--xclient-addr',
      '198.51.100.7',
      '--xclient-name',
      'c.example',
      '--xclient-login',
      'user@b.example',
    ];
    await swaks(...at(server.port), '--to', 'any@elsewhere.example', ...client);
    assert.match(
      receivedOf(server)[0] ?? '',
      /^Received: from c\.example \(HELO swaks\.example\) \(198\.51\.100\.7\)[^;]* with ESMTPA;/,
    );
  });

  for (const version of ['1', '2']) {
    test(`PROXY version ${version}: the message comes from the client that the proxy names`, async () => {
      const server = await start({
        listen: ['127.0.0.1:0,proxy'],
        config: { proxy_networks: '127.0.0.0/8' },
      });
      const port = await portOf(server, ',proxy');
      const family = version === '1' ? 'TCP4' : 'AF_INET';
      const addresses = ['--proxy-source', '198.51.100.7', '--proxy-dest', '192.0.2.25'];
      const ports = ['--proxy-source-port', '4711', '--proxy-dest-port', '25'];
      const header = ['--proxy-version', version, '--proxy-family', family, ...addresses, ...ports];
      await swaks(...at(port), ...toUser, ...header);
      assert.match(receivedOf(server)[0] ?? '', /\(198\.51\.100\.7\)/);
    });
  }

  test('stunnel: a header from this host counts, and is no must', async () => {
    const server = await start({ plugins: ['stunnel proxy on'] });
    await swaks(...at(server.port), ...toUser, '--proxy', 'TCP4 198.51.100.7 192.0.2.25 4711 465');
    await swaks(...at(server.port), ...toUser);
    const [proxied, direct] = receivedOf(server);
    assert.match(proxied ?? '', /\(198\.51\.100\.7\)/);
    assert.match(direct ?? '', /\(127\.0\.0\.1\)/);
  });
});

describe('listeners', { concurrency: 4 }, () => {
  const tlsLine = 'tls @DIR@/ssl/mx.crt @DIR@/ssl/mx.key';

  test('TLS from the first octet on, also behind a PROXY header in the same segment', async () => {
    const server = await start({
      listen: ['127.0.0.1:0,tls,proxy'],
      config: { proxy_networks: '127.0.0.1' },
      plugins: [tlsLine],
    });
    const socket = createConnection({ port: await portOf(server, ',tls,proxy'), host: '127.0.0.1' });
    cleanUp(() => void socket.destroy());
    await once(socket, 'connect');
    // The first octets of the handshake come together with the header.
    socket.cork();
    socket.write('PROXY TCP4 198.51.100.7 192.0.2.25 4711 465\r\n');
    const secure = connectTls({ socket, ca: certificate.cert, servername: 'mx.b.example' });
    setImmediate(() => socket.uncork());
    await once(secure, 'secureConnect');
    const client = new SmtpDialog(secure);
    assert.match(await client.greet(), /\[198\.51\.100\.7\]/);
    await client.openData('a@a.example', 'user@b.example');
    client.send('Subject: x\r\n\r\n.\r\n');
    await client.expect(250);
    assert.match(receivedOf(server)[0] ?? '', /\(198\.51\.100\.7\)[\s\S]* with ESMTPS /);
  });

  test('the port in a PROXY header does not ask for TLS: what the listener says counts', async () => {
    const server = await start({ plugins: [tlsLine], config: { proxy_networks: '127.0.0.1' } });
    const client = await connect(server.port);
    client.send('PROXY TCP4 198.51.100.7 192.0.2.25 4711 465\r\n');
    await client.greet();
  });

  test('a TLS listener without a plugin for TLS: nothing is served, and what to do is said', async () => {
    await assert.rejects(start({ listen: ['127.0.0.1:0,tls'] }), (error: Error) => {
      assert.match(error.message, /--listen 127\.0\.0\.1:0,tls: no plugin does TLS/);
      assert.match(error.message, /add the line "tls" to config\/plugins/);
      return true;
    });
  });

  test('a TLS listener and a line of tls that cannot be set up: told once', async () => {
    const broken = 'tls @DIR@/no.crt @DIR@/no.key';
    await assert.rejects(start({ listen: ['127.0.0.1:0,tls'], plugins: [broken] }), (error: Error) => {
      assert.match(error.message, /plugin "tls" cannot be set up/);
      assert.doesNotMatch(error.message, /no plugin does TLS/);
      return true;
    });
  });

  test('a listener for proxies without proxies is warned of', async () => {
    const server = await start({ listen: ['127.0.0.1:0,proxy'] });
    await server.waitForLog(/,proxy: config\/proxy_networks is empty, so nobody may connect/);
    const client = await connect(await portOf(server, ',proxy'));
    assert.equal(await client.closed(), '');
  });

  test('a reload that takes TLS from a listener is not used', async () => {
    const server = await start({ listen: ['127.0.0.1:0,tls'], plugins: [tlsLine] });
    writeFileSync(
      join(server.dir, 'config', 'plugins'),
      `rcpt_ok\n${recordLine.replace('@DIR@', server.dir)}\n`,
    );
    server.signal('SIGHUP');
    await server.waitForLog(/no plugin does TLS/);
    await server.waitForLog(/the new configuration is not used/);
  });

  test('a socket file is for owner and group, and removed at the end', async () => {
    const server = await start({ listen: ['@DIR@/smtp'] });
    const path = join(server.dir, 'smtp');
    assert.equal(statSync(path).mode & 0o777, 0o660);
    assert.equal(await server.stop(), 0);
    assert.ok(!existsSync(path));
  });

  test('a socket file belongs to the user of the server', { skip: process.getuid?.() !== 0 }, async () => {
    const { uid, gid } = accountOf('nobody');
    const home = mkdtempSync(join(tmpdir(), 'qpsmtpd-nobody-'));
    cleanUp(() => rmSync(home, { recursive: true, force: true }));
    chownSync(home, uid, gid);
    const path = join(home, 'smtp');
    const server = await start({
      listen: [path],
      args: ['--user', 'nobody'],
      config: { spool_dir: join(home, 'spool') },
    });
    const owner = statSync(path);
    assert.deepEqual([owner.uid, owner.gid], [uid, gid]);
    assert.equal(await server.stop(), 0);
    assert.ok(!existsSync(path));
  });
});
