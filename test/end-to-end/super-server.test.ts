// One client on standard input: a super-server has accepted it, as tcpserver, inetd, s6 and systemd with Accept=yes do.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate } from '../support/certificates.ts';
import { cleanUp } from '../support/cleanup.ts';
import { freePort } from '../support/free-port.ts';
import { plainEnv, programCommand, runProgram } from '../support/program.ts';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { makeServerDir } from '../support/server-process.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';
import { startSuperServer } from '../support/super-server.ts';
import { startTls } from '../support/tls-dialog.ts';

const config = { plugins: ['relay', 'rcpt_ok', recordLine], rcpthosts: 'b.example', loglevel: 'info' };
const folder = { config, files: recordPlugin };

function serverDir(): string {
  const dir = makeServerDir(folder);
  cleanUp(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A session over pipes, in which all is sent at once. */
async function piped(env: NodeJS.ProcessEnv, commands: readonly string[], words: readonly string[] = []) {
  const dir = serverDir();
  const outcome = await runProgram(['stdin', '--config', join(dir, 'config'), ...words], {
    cwd: dir,
    env: plainEnv(dir, env),
    input: `${commands.join('\r\n')}\r\n`,
  });
  return { dir, ...outcome };
}

describe('a socket on standard input', () => {
  test('without a word: takes a message, says who the client is, and ends with its log written', async () => {
    const server = await startSuperServer(folder);
    const client = await greeted(server);
    await client.openData('a@a.example', 'user@b.example');
    await client.command('Subject: one\r\n\r\nbody\r\n.', 250);
    await client.command('QUIT', 221);
    assert.equal(await client.closed(), '');
    const { code, stderr } = await server.served(0);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Connection from localhost \[127\.0\.0\.1\]/);
    assert.match(stderr, /click, disconnecting\n/);
    assert.match(recordedMessages(server.dir)[0]?.content ?? '', /Received: from .*127\.0\.0\.1/);
  });

  test('a client that has left takes no place any more', async () => {
    const server = await startSuperServer(folder);
    const lingered: number[] = [];
    // A busy machine may hold up one of them.
    while (!lingered.some((ms) => ms < 1900)) {
      assert.ok(lingered.length < 5, `processes took their places for ${lingered.join(', ')} ms more`);
      const client = await greeted(server);
      await client.command('QUIT', 221);
      await client.closed();
      const left = performance.now();
      await server.served(lingered.length);
      lingered.push(Math.round(performance.now() - left));
    }
  });

  test('a client that is gone without a word ends the process', async () => {
    const server = await startSuperServer(folder);
    const client = await greeted(server);
    client.reset();
    assert.equal((await server.served(0)).code, 0);
  });

  test('whose client is standard error, too, hears replies and nothing of the log', async () => {
    const server = await startSuperServer({ ...folder, isInetd: true });
    const client = await connect(server.port);
    await client.expect(/^220 /);
    await client.command('NOOP', /^250 /);
    await client.command('QUIT', /^221 /);
    assert.equal(await client.closed(), '');
    assert.equal((await server.served(0)).code, 0);
    const broken = await startSuperServer({ config: { plugins: 'no_such_plugin' }, isInetd: true });
    const other = await connect(broken.port);
    await other.expect(/^421 4\.3\.0 /);
    assert.equal(await other.closed(), '');
  });

  test('TLS', async () => {
    const { cert, key } = makeCertificate('mx.example');
    const server = await startSuperServer({
      config: { ...config, plugins: ['tls', ...config.plugins] },
      files: { ...recordPlugin, 'ssl/qpsmtpd-server.crt': cert, 'ssl/qpsmtpd-server.key': key },
    });
    const { client } = await startTls(server.port, { ca: cert, servername: 'mx.example' });
    await client.command('EHLO client.example', 250);
    await client.openData('a@a.example', 'user@b.example');
    await client.command('Subject: two\r\n\r\nbody\r\n.', 250);
    await client.command('QUIT', 221);
    assert.equal((await server.served(0)).code, 0);
    assert.equal(recordedMessages(server.dir).length, 1);
  });

  test('a plugin may import node:process, and what it prints is for the log', async () => {
    const plugin = `
      import process, { stdin } from 'node:process';
      import { definePlugin } from 'qpsmtpd';
      console.log('printed by', process.pid > 0, stdin.readable);
      export default definePlugin({ name: 'printer', summary: 'prints', setup: () => ({}) });
    `;
    const server = await startSuperServer({
      config: { ...config, plugins: ['printer', ...config.plugins] },
      files: { ...recordPlugin, 'plugins/printer.ts': plugin },
    });
    const client = await greeted(server);
    await client.command('QUIT', 221);
    const { code, stderr } = await server.served(0);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /printed by true/);
  });

  test('a bad configuration: the client is told to come back, the log says why', async () => {
    const server = await startSuperServer({ config: { plugins: 'no_such_plugin' } });
    const client = await connect(server.port);
    await client.expect(/^421 4\.3\.0 /);
    const { code, stderr } = await server.served(0);
    assert.equal(code, 1);
    assert.match(stderr, /no_such_plugin/);
  });

  test('a spool that cannot be made: the same', async () => {
    const spoiled = { ...config, spool_dir: '@DIR@/config/plugins' };
    const server = await startSuperServer({ ...folder, config: spoiled });
    const client = await connect(server.port);
    await client.expect(/^421 4\.3\.0 /);
    assert.equal(await client.closed(), '');
    const { code, stderr } = await server.served(0);
    assert.equal(code, 1);
    assert.match(stderr, /spool_dir \S+\/config\/plugins: there is a file in its place/);
  });

  test('a plugin that lets something fail before the client is served: the same', async () => {
    const plugin = `
      import { definePlugin } from 'qpsmtpd';
      export default definePlugin({
        name: 'careless', summary: 'forgets a promise',
        setup: () => ({
          async 'post-fork'() {
            void Promise.reject(new Error('nobody waits for this'));
            await new Promise((next) => setTimeout(next, 50));
          },
        }),
      });
    `;
    const server = await startSuperServer({
      config: { ...config, plugins: ['careless', ...config.plugins] },
      files: { ...recordPlugin, 'plugins/careless.ts': plugin },
    });
    const client = await connect(server.port);
    await client.expect(/^421 4\.3\.0 /);
    assert.equal(await client.closed(), '');
    const { code, stderr } = await server.served(0);
    assert.equal(code, 1);
    assert.match(stderr, /nobody waits for this/);
  });

  test('RELAYCLIENT and DATABYTES are obeyed', async () => {
    const server = await startSuperServer({ ...folder, env: { RELAYCLIENT: '', DATABYTES: '1000' } });
    const client = await greeted(server);
    await client.command('MAIL FROM:<a@a.example> SIZE=2000', 552);
    await client.envelope('a@a.example', 'anybody@far.example');
    await client.command('QUIT', 221);
  });
});

describe('pipes', () => {
  const session = ['EHLO client.example', 'QUIT'];

  test('tcpserver says who the client is', async () => {
    const env = {
      TCPREMOTEIP: '192.0.2.7',
      TCPREMOTEHOST: 'client.example\u001b[31m\n250 forged',
      TCPREMOTEINFO: 'joe',
      TCPREMOTEPORT: '4321',
    };
    const { code, stdout, stderr } = await piped(env, session);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^220 .*\r\n250-\S+ Hi joe@client\.example\[31m250forged \[192\.0\.2\.7\]\r\n/);
    assert.match(stdout, /\r\n221 [^\r\n]*\r\n$/);
    assert.match(stderr, /Connection from joe@client\.example/);
  });

  test('without a name it is its address, and IPv6 may have variables of its own', async () => {
    const { stdout } = await piped({ TCP6REMOTEIP: '2001:db8::1' }, session);
    assert.match(stdout, / Hi \[2001:db8::1\] \[2001:db8::1\]\r\n/);
  });

  test('a message of a client that says all at once and closes its side', async () => {
    const commands = [
      'EHLO client.example',
      'MAIL FROM:<a@a.example>',
      'RCPT TO:<user@b.example>',
      'DATA',
      `Subject: big\r\n\r\n${'a line of it\r\n'.repeat(20_000)}.`,
      'QUIT',
    ];
    const { code, dir, stdout } = await piped({ TCPREMOTEIP: '192.0.2.7' }, commands);
    assert.equal(code, 0);
    assert.match(stdout, /\r\n221 [^\r\n]*\r\n$/);
    assert.equal(recordedMessages(dir).length, 1);
  });

  test('LMTP', async () => {
    const { stdout } = await piped({ TCPREMOTEIP: '127.0.0.1' }, ['LHLO client.example', 'QUIT'], ['--lmtp']);
    assert.match(stdout, /^220 .*LMTP.*\r\n250-/);
  });

  test('nobody is served where nobody says who it is', async () => {
    const { code, stderr, stdout } = await piped({}, session);
    assert.equal(code, 1);
    assert.match(stderr, /TCPREMOTEIP does not say who the client is/);
    assert.doesNotMatch(stdout, /^220/m);
    assert.equal((await piped({ TCPREMOTEIP: 'nonsense' }, session)).code, 1);
  });
});

/** Starts a super-server of this machine, and waits until it listens. */
async function startReal(command: string, args: readonly string[], dir: string, port: number): Promise<void> {
  const child = spawn(command, args, {
    cwd: dir,
    env: plainEnv(dir, { QPSMTPD_CONFIG: join(dir, 'config') }),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  cleanUp(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  });
  child.stderr.resume();
  const deadline = Date.now() + 20_000;
  while (!(await isThere(port))) {
    assert.ok(Date.now() < deadline && child.exitCode === null, `${command} does not listen`);
    await pause(20);
  }
}

/** Asks the kernel, so that no client comes of it. */
async function isThere(port: number): Promise<boolean> {
  const probe = createConnection({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  probe.on('error', () => {});
  await once(probe, 'close', { signal: AbortSignal.timeout(50) }).catch(() => {});
  const is = probe.readyState === 'open';
  probe.destroy();
  return is;
}

async function deliverOnce(port: number): Promise<void> {
  const client = await greeted({ port });
  await client.openData('a@a.example', 'user@b.example');
  await client.command('Subject: real\r\n\r\nbody\r\n.', 250);
  await client.command('QUIT', 221);
}

const tcpserver = '/usr/bin/tcpserver';
const activate = '/usr/bin/systemd-socket-activate';
const xinetd = '/usr/sbin/xinetd';

describe('super-servers of this machine', () => {
  const { command, args } = programCommand();

  test('tcpserver', { skip: !existsSync(tcpserver) }, async () => {
    const dir = serverDir();
    const port = await freePort();
    await startReal(tcpserver, ['-R', '-l', '0', '127.0.0.1', String(port), command, ...args], dir, port);
    await deliverOnce(port);
    assert.equal(recordedMessages(dir).length, 1);
  });

  test('systemd with Accept=yes', { skip: !existsSync(activate) }, async () => {
    const dir = serverDir();
    const port = await freePort();
    const inetd = [
      '--accept',
      '--inetd',
      '--listen',
      `127.0.0.1:${port}`,
      '--setenv=QPSMTPD_CONFIG',
      '--setenv=HOME',
    ];
    await startReal(activate, [...inetd, command, ...args], dir, port);
    await deliverOnce(port);
    assert.equal(recordedMessages(dir).length, 1);
  });

  test('xinetd, whose clients do not read our log', { skip: !existsSync(xinetd) }, async () => {
    const dir = serverDir();
    const port = await freePort();
    const settings = [
      'type = UNLISTED',
      `port = ${port}`,
      'bind = 127.0.0.1',
      'socket_type = stream',
      'protocol = tcp',
      'wait = no',
      `user = ${userInfo().username}`,
      `server = ${command}`,
      `server_args = ${[...args, 'stdin'].join(' ')}`,
      `env = QPSMTPD_CONFIG=${join(dir, 'config')} HOME=${dir}`,
    ];
    writeFileSync(join(dir, 'xinetd.conf'), `service qpsmtpd\n{\n${settings.join('\n')}\n}\n`);
    const words = ['-dontfork', '-f', join(dir, 'xinetd.conf'), '-pidfile', join(dir, 'pid')];
    await startReal(xinetd, words, dir, port);
    await deliverOnce(port);
    assert.equal(recordedMessages(dir).length, 1);
  });

  for (const model of ['serve', 'forkserver']) {
    test(`systemd passes a socket to ${model}`, { skip: !existsSync(activate) }, async () => {
      const dir = serverDir();
      const port = await freePort();
      const words = ['--listen', `127.0.0.1:${port}`, '--setenv=QPSMTPD_CONFIG', '--setenv=HOME'];
      const own = process.getuid?.() === 0 ? ['--user', 'root'] : [];
      await startReal(activate, [...words, command, ...args, model, ...own], dir, port);
      await deliverOnce(port);
      assert.equal(recordedMessages(dir).length, 1);
    });
  }
});
