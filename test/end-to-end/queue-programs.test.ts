// Messages through the server to programs: a stand-in for qmail-queue that follows qmail-queue(8), the real Exim, and a
// command of queue/pipe. What the program says is what the client hears; what it has not taken is nowhere.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type BatchExim, makeBatchExim } from '../support/exim-batch.ts';
import { until, whyNotUnpacked } from '../support/other-mta.ts';
import { signalAll } from '../support/processes.ts';
import { makeStandIn } from '../support/qmail-queue-stand-in.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted, type SmtpDialog } from '../support/smtp-dialog.ts';

const MESSAGE = 'Subject: \xe4\r\nX-Empty:\r\n\r\n..\r\n...text\r\n\xff\0\x80 a\rb\r\n';
/** as it is handed on, below our trace fields */
const HANDED_ON = 'Subject: \xe4\nX-Empty:\n\n.\n..text\n\xff\0\x80 a\rb\n';
const big = `Subject: big\r\n\r\n${`${'x'.repeat(78)}\r\n`.repeat(50_000)}`;

const start = (line: string, more: Readonly<Record<string, string>> = {}, env: NodeJS.ProcessEnv = {}) =>
  startServer({
    config: {
      plugins: ['rcpt_ok', line],
      rcpthosts: 'b.example',
      databytes: '0',
      loglevel: 'debug',
      ...more,
    },
    env,
  });

async function send(
  server: TestServer,
  reply: number | RegExp,
  { message = MESSAGE, to = ['user@b.example'] }: { message?: string; to?: readonly string[] } = {},
): Promise<SmtpDialog> {
  const client = await greeted(server);
  await client.openData('sender@a.example', ...to);
  client.send(`${message}.\r\n`);
  await client.expect(reply);
  return client;
}

describe('queue/qmail-queue', () => {
  test('hands the message on whole, with our trace fields and the environment of the server', async () => {
    const standIn = makeStandIn();
    const server = await start('queue/qmail-queue', {}, { QMAILQUEUE: standIn.path });
    await send(server, /^250 2\.0\.0 queued/, { to: ['user@b.example', '"a, b"@b.example'] });
    const [queued] = standIn.queued();
    assert.equal(queued?.envelope, 'Fsender@a.example\0Tuser@b.example\0T"a, b"@b.example\0\0');
    assert.match(queued.message, /^(?:Authentication-Results|Received): /);
    assert.ok(queued.message.endsWith(`\n${HANDED_ON}`), queued.message);
  });

  test('answers what the program says, and has nothing queued when it does not say well', async () => {
    const standIn = makeStandIn();
    const server = await start(`queue/qmail-queue ${standIn.path} run_timeout 2`);
    const cases: [instruction: string, reply: RegExp, message?: string][] = [
      ['exit 31', /^552 5\.7\.1 qq mail server permanently rejected message$/],
      ['exit 53', /^452 4\.3\.1 qq write error or disk full$/],
      ['say 4 Dno spam here', /^552 5\.7\.1 no spam here$/],
      ['say 2 Zlater', /^452 4\.7\.1 later$/],
      ['die 1000', /^452 4\.3\.0 the message could not be queued/, big],
      ['deaf', /^452 4\.3\.0 the message could not be queued/, big],
      ['hang', /^452 4\.3\.0 the message could not be queued/],
    ];
    for (const [instruction, reply, message] of cases) {
      standIn.instruct(instruction);
      await send(server, reply, message === undefined ? {} : { message });
    }
    assert.deepEqual([standIn.queued(), standIn.running()], [[], []]);
    // And is none the worse for it.
    standIn.instruct('take');
    await send(server, 250);
    assert.equal(standIn.queued().length, 1);
  });

  test('has nothing queued for a client that goes before the program has the envelope', async () => {
    const standIn = makeStandIn();
    standIn.instruct('deaf');
    const server = await start(`queue/qmail-queue ${standIn.path}`);
    const client = await greeted(server);
    await client.openData('sender@a.example', 'user@b.example');
    client.send(`${big}.\r\n`);
    await until(() => standIn.running().length === 1, server.stderr);
    client.reset();
    await server.waitForLog(/was ended, as the client or the time was gone/);
    await until(() => standIn.running().length === 0, server.stderr);
    assert.deepEqual(standIn.queued(), []);
  });

  test('and a server that is killed in the middle of a message: nothing is queued', async () => {
    const standIn = makeStandIn();
    // It reads all there is and waits for the envelope, as qmail-queue does.
    const server = await start(`queue/qmail-queue ${standIn.path}`);
    standIn.instruct('deaf');
    const client = await greeted(server);
    await client.openData('sender@a.example', 'user@b.example');
    client.send(`${big}.\r\n`);
    await until(() => standIn.running().length === 1, server.stderr);
    await server.kill();
    signalAll(standIn.running(), 'SIGKILL');
    assert.deepEqual(standIn.queued(), []);
  });

  test('a program that is missing stops the start', async () => {
    await assert.rejects(start('queue/qmail-queue /nowhere/qmail-queue'), {
      message: /\/nowhere\/qmail-queue is no program that can be run/,
    });
  });
});

describe('queue/exim-bsmtp with Exim', { skip: whyNotUnpacked('exim') }, () => {
  let exim: BatchExim;
  let server: TestServer;
  before(async () => {
    exim = await makeBatchExim([
      `  deny condition = \${if match{$h_subject:}{never}}`,
      '       message = 5.7.9 never this',
      `  defer condition = \${if match{$h_subject:}{later}}`,
      '        message = 4.7.9 later this',
    ]);
    server = await start(`queue/exim-bsmtp exim_path ${exim.path}`, { me: 'mx.b.example' });
  });

  test('hands messages on whole, with quotes in addresses', async () => {
    const recipients = [
      'user@b.example',
      '"a, b"@b.example',
      '"-oX x"@b.example',
      '"> RCPT TO:<x"@b.example',
    ];
    const text = 'Message-Id: <1@a>\r\nFrom: a@b\r\nDate: Sun, 22 Nov 2026 20:00:00 +0000\r\n';
    await send(server, 250, { message: `${text}${MESSAGE.replace('a\rb', 'ab')}`, to: recipients });
    const [queued, ...others] = await exim.queued();
    assert.deepEqual(others, []);
    assert.equal(queued?.sender, 'sender@a.example');
    assert.deepEqual(queued.recipients, recipients);
    assert.match(
      queued.message,
      /^Received: from root \(helo=mx\.b\.example\)\n\tby exim\.example with local-bsmtp/,
    );
    const body = HANDED_ON.slice(HANDED_ON.indexOf('\n\n')).replace('a\rb', 'ab');
    assert.ok(queued.message.endsWith(body), queued.message);
  });

  test('no line of a message is a command, wherever a CR stands', async () => {
    const had = (await exim.queued()).length;
    const lines = ['..', '..\rQUIT', '..\0', '\rQUIT', '\r.x', 'x\r', '...'].flatMap((line) => [
      line,
      'MAIL FROM:<evil@x.example>',
      'RCPT TO:<evil@x.example>',
      'DATA',
    ]);
    await send(server, 250, { message: `Subject: lines\r\n\r\n${lines.join('\r\n')}\r\nend\r\n` });
    const queued = await exim.queued();
    assert.equal(queued.length, had + 1);
    assert.ok(queued.every(({ sender }) => sender === 'sender@a.example'));
    assert.match(queued.at(-1)?.message ?? '', /\nend\n$/);
  });

  test('answers what Exim complains about, and nothing is queued', async () => {
    const had = (await exim.queued()).length;
    const big = `Subject: big\r\n\r\n${`${'x'.repeat(78)}\r\n`.repeat(20_000)}`;
    await send(server, /^552 5\.7\.9 never this$/, { message: 'Subject: never\r\n\r\n' });
    await send(server, /^452 4\.7\.9 later this$/, { message: 'Subject: later\r\n\r\n' });
    await send(server, /^552 5\.3\.4 Message size exceeds maximum permitted$/, { message: big });
    assert.equal((await exim.queued()).length, had);
  });

  test('one recipient that Exim refuses refuses the message', async () => {
    const had = (await exim.queued()).length;
    const literals = await start(`queue/exim-bsmtp exim_path ${exim.path}`, {
      rcpthosts: '[192.0.2.1]\nb.example',
    });
    await send(literals, /^552 5\.1\.3 domain literals not allowed$/, {
      to: ['user@b.example', 'user@[192.0.2.1]'],
    });
    assert.equal((await exim.queued()).length, had);
  });

  for (const [what, script, words] of [
    ['that finds its input closed', 'head -c 100000 | EXIM', ''],
    [
      'that is killed',
      '{ head -c 100000; sleep 2; } | { exec 3<&0; EXIM <&3 & sleep 1; kill -9 $!; wait $!; }',
      '',
    ],
    ['that gets no more', '{ head -c 1000; sleep 600; } | EXIM', 'run_timeout 1'],
  ] as const) {
    test(`an Exim ${what} in the middle of the message has not taken it`, async () => {
      const had = (await exim.queued()).length;
      const path = join(server.dir, 'broken');
      writeFileSync(path, `#!/bin/sh\n${script.replace('EXIM', `${exim.path} "$@"`)}\n`);
      chmodSync(path, 0o755);
      const broken = await start(`queue/exim-bsmtp exim_path ${path} ${words}`);
      await send(broken, /^452 /, { message: big });
      assert.equal((await exim.queued()).length, had);
    });
  }
});

describe('queue/pipe', () => {
  const startWith = (script: string, words: string) =>
    startServer({
      config: {
        plugins: ['rcpt_ok', `queue/pipe run_timeout 2 ${words.replace('COMMAND', '/bin/sh @DIR@/command')}`],
        rcpthosts: 'b.example',
        extensions: 'PRDR on',
        loglevel: 'debug',
      },
      files: { command: script },
    });
  const read = ({ dir }: TestServer, name: string) => readFileSync(join(dir, name), 'latin1');

  test('hands the message on whole, once for each recipient', async () => {
    const server = await startWith('cat > "$1"', `flags DR folder @DIR@ COMMAND \${recipient}`);
    await send(server, 250, { to: ['user@b.example', '"a, $(b)"@b.example'] });
    for (const name of ['user@b.example', '"a, $(b)"@b.example']) {
      const text = read(server, name);
      assert.ok(text.startsWith(`Return-Path: <sender@a.example>\nDelivered-To: ${name}\n`), text);
      assert.ok(text.endsWith(`\n${HANDED_ON}`), text);
    }
    // What was written for it is gone.
    assert.deepEqual(readdirSync(join(server.dir, 'spool')), []);
  });

  test('a client that takes an answer for each recipient (PRDR) gets them', async () => {
    const script =
      'case $1 in bad*) exit 67;; later*) exit 75;; dead*) kill -9 $$;; slow*) exec sleep 600;; esac';
    const server = await startWith(script, `COMMAND \${recipient}`);
    const client = await greeted(server);
    await client.command('MAIL FROM:<sender@a.example> PRDR', 250);
    const names = ['good', 'bad', 'later', 'dead', 'slow'];
    for (const name of names) await client.command(`RCPT TO:<${name}@b.example>`, 250);
    await client.command('DATA', 354);
    client.send(`${MESSAGE}.\r\n`);
    await client.expect(353);
    await client.expect(/^250 2\.0\.0 <good@b\.example> taken$/);
    await client.expect(/^552 5\.1\.1 <bad@b\.example> no such mailbox here$/);
    await client.expect(/^452 4\.3\.0 <later@b\.example> temporary failure$/);
    await client.expect(/^452 4\.3\.0 <dead@b\.example> the message cannot be handed on now/);
    await client.expect(/^452 4\.3\.0 <slow@b\.example> the message cannot be handed on now/);
    await client.expect(250);
  });

  test('any other client hears a refusal, and who has the message already does not get it twice', async () => {
    const script = 'echo x >> "got-$1"; case $1 in later*) test -e open || exit 75;; esac';
    const server = await startWith(script, `folder @DIR@ COMMAND \${recipient}`);
    const mail = {
      message: `Message-ID: <1@a.example>\r\n${MESSAGE}`,
      to: ['good@b.example', 'later@b.example'],
    };
    await send(server, /^452 4\.3\.0 temporary failure$/, mail);
    writeFileSync(join(server.dir, 'open'), '');
    await send(server, 250, mail);
    assert.equal(read(server, 'got-good@b.example'), 'x\n');
    assert.equal(read(server, 'got-later@b.example'), 'x\nx\n');
  });

  test('a client that goes ends the command', async () => {
    const server = await startWith('echo $$ > pid; exec sleep 600', 'run_timeout 60 folder @DIR@ COMMAND');
    const client = await greeted(server);
    await client.openData('sender@a.example', 'user@b.example');
    client.send(`${MESSAGE}.\r\n`);
    const pidFile = join(server.dir, 'pid');
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'latin1').endsWith('\n'), server.stderr);
    client.reset();
    await server.waitForLog(/was ended, as the client or the time was gone/);
    assert.ok(!existsSync(`/proc/${read(server, 'pid').trim()}`));
  });
});
