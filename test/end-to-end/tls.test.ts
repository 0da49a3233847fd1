// TLS between the server as a process and clients of Node's: protocols, names, certificates of both sides, clients that
// fail in every way, and certificates that are replaced under load.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { cleanUp } from '../support/cleanup.ts';
import { plainEnv, runProgram } from '../support/program.ts';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect } from '../support/smtp-dialog.ts';
import { connectTls, readyForTls, shakeHands, startTls } from '../support/tls-dialog.ts';

const mx = makeCertificate('mx.example');
const ca = makeCertificate('Test CA', { isCa: true });
const office = makeCertificate('office.example');
const fingerprint = (certificate: TestCertificate) => new X509Certificate(certificate.cert).fingerprint256;

/** Where the plugin looks for them when its line says nothing. */
const usualFiles = ({ cert, key }: TestCertificate) => ({
  'ssl/qpsmtpd-server.crt': cert,
  'ssl/qpsmtpd-server.key': key,
});

interface Options {
  readonly line?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

function start({ line = 'tls', config = {}, files = {}, args = [] }: Options = {}): Promise<TestServer> {
  return startServer({
    config: {
      plugins: [line, 'rcpt_ok', recordLine],
      rcpthosts: 'b.example',
      loglevel: 'info',
      max_commands_without_mail: '1000000',
      ...config,
    },
    files: { ...recordPlugin, ...usualFiles(mx), ...files },
    args,
  });
}

/** Port of the second address that is listened on. */
async function secondPort(server: TestServer): Promise<number> {
  const [, port] = await server.waitForLog(/Listening on .*Listening on \S*?:(\d+)/s);
  return Number(port);
}

const nameOf = (socket: TLSSocket) => String(socket.getPeerCertificate().subject.CN);

describe('sessions under TLS', () => {
  let server: TestServer;
  before(async () => {
    const { cert, key } = makeCertificate('other.example');
    server = await start({
      line: 'tls client_cert ask',
      config: { tls_clients: `${fingerprint(office)} the office` },
      files: { 'ssl/sni/other.example.pem': cert + key, 'ssl/qpsmtpd-ca.crt': ca.cert },
      args: ['--listen', '127.0.0.1:0,tls'],
    });
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: a message by STARTTLS`, async () => {
      const { client, socket } = await startTls(server.port, { minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      await client.command('MAIL FROM:<a@a.example>', 503);
      assert.doesNotMatch(await client.command('EHLO client.example', 250), /STARTTLS/);
      await client.openData('a@a.example', 'user@b.example');
      client.send(`Subject: ${version}\r\n\r\nbody\r\n.\r\n`);
      await client.expect(250);
      await client.command('QUIT', 221);
      assert.equal(await client.closed(), '');
      const message = recordedMessages(server.dir).find(({ content }) =>
        content.includes(`Subject: ${version}\n`),
      );
      assert.match(message?.content ?? '', /\bESMTPS\b/);
    });
  }

  test('a message where TLS comes first', async () => {
    const { client } = await connectTls(await secondPort(server));
    assert.doesNotMatch(await client.greet(), /STARTTLS/);
    await client.openData('a@a.example', 'user@b.example');
    client.send('Subject: at once\r\n\r\nbody\r\n.\r\n');
    await client.expect(250);
    await client.command('STARTTLS', 503);
    await client.command('QUIT', 221);
  });

  test('a client that speaks in clear where TLS comes first gets nothing of the kind', async () => {
    const client = await connect(await secondPort(server));
    client.send('EHLO client.example\r\n');
    assert.doesNotMatch(await client.closed(), /^\d{3}/m);
  });

  test('the certificate is that of the name that is asked for', async () => {
    const by = async (servername?: string) =>
      nameOf((await startTls(server.port, servername === undefined ? {} : { servername })).socket);
    assert.equal(await by(), 'mx.example');
    assert.equal(await by('other.example'), 'other.example');
    assert.equal(await by('OTHER.example'), 'other.example');
    assert.equal(await by('unknown.example'), 'mx.example');
  });

  test('a session is resumed, also with a certificate of the client', async () => {
    for (const own of [{}, { cert: office.cert, key: office.key }]) {
      const { client, socket } = await startTls(server.port, own);
      const coming = once(socket, 'session') as Promise<[Buffer]>;
      await client.command('EHLO client.example', 250);
      const [session] = await coming;
      const again = await startTls(server.port, { ...own, session });
      assert.equal(again.socket.isSessionReused(), true);
      await again.client.command('EHLO client.example', 250);
    }
  });

  test('a client whose certificate is listed may relay, and no other', async () => {
    const relays = async (options: ConnectionOptions) => {
      const { client } = await startTls(server.port, options);
      await client.command('EHLO client.example', 250);
      await client.command('MAIL FROM:<a@a.example>', 250);
      return (await client.command('RCPT TO:<x@far.example>', /^[25]50 /)).startsWith('250');
    };
    const known = makeCertificate('client.example', { issuer: ca });
    assert.equal(await relays({ cert: office.cert, key: office.key }), true);
    assert.equal(await relays({ cert: known.cert, key: known.key }), false);
    assert.equal(await relays({}), false);
    await server.waitForLog(/pass, TLSv1\.3 .*client CN=office\.example .* \(.*self-signed.*\), may relay/);
    await server.waitForLog(/pass, TLSv1\.3 .*client CN=client\.example .* \(verified\)\n/);
  });

  test('what is sent in clear behind STARTTLS is dropped', async () => {
    const raw = await readyForTls(
      server.port,
      'EHLO',
      'EHLO evil.example\r\nMAIL FROM:<evil@evil.example>\r\n',
    );
    const { client } = await shakeHands(raw);
    await client.command('RCPT TO:<user@b.example>', 503);
    await client.command('EHLO client.example', 250);
    await server.waitForLog(/fail, 50 octets sent in clear behind STARTTLS are dropped/);
  });

  test('a big message comes through as it was sent', async () => {
    const { client } = await startTls(server.port);
    await client.command('EHLO client.example', 250);
    await client.openData('a@a.example', 'user@b.example');
    const body = `${'0123456789'.repeat(7)}\r\n`.repeat(140_000);
    client.send(`Subject: big\r\n\r\n${body}.\r\n`);
    await client.expect(250);
    const big = recordedMessages(server.dir).find(({ content }) => content.includes('Subject: big\n'));
    assert.equal(big?.content.slice(big.content.indexOf('\n\n') + 2), body.replaceAll('\r\n', '\n'));
  });

  test('a client that takes its replies slowly loses none', async () => {
    const { client, socket } = await startTls(server.port);
    await client.command('EHLO client.example', 250);
    client.pause();
    const commands = 100_000;
    client.send('HELP\r\n'.repeat(commands));
    const heldBack = 2 * 1024 * 1024;
    await pause(500);
    let replies = 0;
    let octets = 0;
    let begun = '';
    socket.on('data', (text: string) => {
      octets += text.length;
      const lines = (begun + text).split('\r\n');
      begun = lines.pop() ?? '';
      replies += lines.filter((line) => line.startsWith('214 ')).length;
    });
    client.resume();
    for (let wait = 0; replies < commands && wait < 1000; wait++) await pause(20);
    assert.equal(replies, commands);
    assert.ok(octets > heldBack, `${octets} octets would have fitted into the buffers of the kernel`);
  });
});

describe('handshakes that fail', () => {
  let server: TestServer;
  before(async () => {
    server = await start({ line: 'tls handshake_timeout 1' });
  });
  const stillServes = async () => {
    const { client } = await startTls(server.port);
    await client.command('EHLO client.example', 250);
    await client.command('QUIT', 221);
    assert.doesNotMatch(server.stderr(), /nobody caught|nobody waited|fault in the server/);
  };

  test('for want of a ClientHello', async () => {
    const raw = await readyForTls(server.port);
    raw.resume();
    await once(raw, 'close');
    await server.waitForLog(/tls: fail, TLS handshake: took longer than 1 s\n/);
    await stillServes();
  });

  test('for garbage: nothing is said in clear', async () => {
    const raw = await readyForTls(server.port);
    raw.write('EHLO client.example\r\n');
    let heard = '';
    raw.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
    });
    await once(raw, 'close');
    assert.doesNotMatch(heard, /\d{3} /);
    await server.waitForLog(/tls: fail, TLS handshake: wrong version number\n/);
    await stillServes();
  });

  test('for a client that resets at any octet of its ClientHello', async () => {
    const hello = await clientHello();
    for (let octets = 0; octets < hello.length; octets += 37) {
      const raw = await readyForTls(server.port);
      raw.write(hello.subarray(0, octets), () => raw.resetAndDestroy());
      await once(raw, 'close');
    }
    await server.waitForLog(/tls: fail, TLS handshake: the client left\n/);
    await stillServes();
  });

  test('for a client that has none of the protocols', async () => {
    const raw = await readyForTls(server.port);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await assert.rejects(shakeHands(raw, old));
    await server.waitForLog(/tls: fail, TLS handshake: unsupported protocol\n/);
    await stillServes();
  });

  test('and a plugin that runs out of time over one ends the connection, without a word in clear', async () => {
    const other = await start({ line: 'tls hook_timeout 1' });
    const raw = await readyForTls(other.port);
    let heard = '';
    raw.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
    });
    await once(raw, 'close');
    assert.equal(heard, '');
  });
});

/** The first octets that a client of Node's sends. */
async function clientHello(): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  const accepted = once(listener, 'connection');
  const raw = createConnection({ port: address.port, host: '127.0.0.1' });
  shakeHands(raw).catch(() => {});
  const [peer] = await accepted;
  const [hello] = (await once(peer, 'data')) as [Buffer];
  peer.destroy();
  listener.close();
  return hello;
}

describe('settings', () => {
  test('client_cert require lets only those in whose certificate the CA has signed', async () => {
    const server = await start({ line: 'tls client_cert require', files: { 'ssl/qpsmtpd-ca.crt': ca.cert } });
    const known = makeCertificate('client.example', { issuer: ca });
    const { client } = await startTls(server.port, { cert: known.cert, key: known.key });
    await client.command('EHLO client.example', 250);
    for (const own of [{}, { cert: office.cert, key: office.key }]) {
      const outcome = await startTls(server.port, own)
        .then((dialog) => dialog.client.command('EHLO client.example', 250))
        .catch((error: Error) => error);
      assert.ok(outcome instanceof Error);
    }
    await server.waitForLog(/fail, TLS handshake: peer did not return a certificate\n/);
    await server.waitForLog(
      /fail, TLS handshake: the certificate of the client \(CN=office\.example\) is not good: /,
    );
  });

  test('tls_protocols and tls_ciphers count, TLSv1 where it is named', async () => {
    const strict = await start({
      config: { tls_protocols: 'TLSv1_2', tls_ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' },
    });
    const { socket } = await startTls(strict.port);
    assert.equal(socket.getProtocol(), 'TLSv1.2');
    assert.equal(socket.getCipher().name, 'ECDHE-ECDSA-CHACHA20-POLY1305');
    const lax = await start({ config: { tls_protocols: 'TLSv1:TLSv1_1:TLSv1_2' } });
    const old = await startTls(lax.port, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    assert.equal(old.socket.getProtocol(), 'TLSv1');
    await lax.waitForLog(/tls_protocols allows TLSv1, which is broken/);
  });

  test('LMTP has STARTTLS too', async () => {
    const server = await start({ args: ['--listen', '127.0.0.1:0,lmtp'] });
    const { client } = await startTls(await secondPort(server), {}, 'LHLO');
    assert.doesNotMatch(await client.command('LHLO client.example', 250), /STARTTLS/);
    await client.command('QUIT', 221);
  });

  test('a server that stops tells clients under TLS', async () => {
    const server = await start();
    const { client } = await startTls(server.port);
    await client.command('EHLO client.example', 250);
    server.signal('SIGTERM');
    await server.waitForLog(/shutting down/);
    await client.command('NOOP', /^421 4\.3\.2 /);
    assert.equal(await server.exited, 0);
  });

  test('check-config finds a certificate that is not there, and one that does not fit', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
    cleanUp(() => rmSync(dir, { recursive: true }));
    mkdirSync(join(dir, 'etc/ssl'), { recursive: true });
    const write = (name: string, text: string) => writeFileSync(join(dir, 'etc', name), text);
    const check = () => runProgram(['check-config', '--config', 'etc'], { cwd: dir, env: plainEnv(dir) });
    write('plugins', 'tls\nrcpt_ok\nqueue/maildir @DIR@/Maildir\n'.replaceAll('@DIR@', dir));
    const missing = await check();
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /there is no certificate qpsmtpd-server\.crt: .*qpsmtpd tls-cert/s);
    write('ssl/qpsmtpd-server.crt', mx.cert);
    write('ssl/qpsmtpd-server.key', office.key);
    const wrong = await check();
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /do not belong together/);
    write('ssl/qpsmtpd-server.key', mx.key);
    const right = await check();
    assert.equal(right.code, 0, right.stderr);
    write('tls_protocols', 'SSLv3\n');
    const odd = await check();
    assert.match(odd.stderr, /tls_protocols.*SSLv3 cannot be had any more/s);
  });
});

describe('a certificate that is replaced', () => {
  test('fifty times, in pieces and under load, fails no handshake, and the last one is served', async () => {
    const server = await start();
    const path = (name: string) => join(server.dir, 'ssl', name);
    const load = { isOver: false, sessions: 0 };
    const clients = Array.from({ length: 4 }, async () => {
      while (!load.isOver) {
        const { client, socket } = await startTls(server.port);
        assert.match(nameOf(socket), /^mx/);
        await client.command('EHLO client.example', 250);
        await client.command('QUIT', 221);
        socket.destroy();
        load.sessions++;
      }
    });
    let last = mx;
    for (let swap = 1; swap <= 50; swap++) {
      last = makeCertificate(`mx${swap}.example`);
      const half = last.cert.length / 2;
      writeFileSync(path('qpsmtpd-server.crt'), last.cert.slice(0, half));
      await pause(20);
      writeFileSync(path('qpsmtpd-server.crt'), last.cert);
      await pause(20);
      writeFileSync(path('qpsmtpd-server.key'), last.key);
      await pause(60);
    }
    const served = async () => nameOf((await startTls(server.port)).socket);
    for (let tries = 0; (await served()) !== last.name; tries++) {
      assert.ok(tries < 100, 'the last certificate is not served');
      await pause(100);
    }
    load.isOver = true;
    await Promise.all(clients);
    assert.ok(load.sessions > 50, `${load.sessions} sessions`);
    assert.doesNotMatch(server.stderr(), /fail, TLS handshake/);
    await server.waitForLog(/has changed and is in use/);
  });
});
