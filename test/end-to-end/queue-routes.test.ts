// Routes by recipient with real targets: two Maildirs and an LMTP server, one of which refuses, dies or hangs. Each
// recipient gets each message once, and the client hears what is true.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { choosyLine, choosyPlugin } from '../support/choosy-plugin.ts';
import { cleanUp } from '../support/cleanup.ts';
import { numberedMessage, numberOf } from '../support/mail-load.ts';
import { makeFolder } from '../support/maildir-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';

const ALL = ['a@one.example', 'b@two.example', 'c@lmtp.example'] as const;

interface Site {
  readonly folder: string;
  readonly front: TestServer;
  startLmtp(): Promise<TestServer>;
}

const RCPTHOSTS = ['one.example', 'two.example', 'lmtp.example'];

/** A server with three targets; the LMTP server behind it, another one of ours, is not started. */
async function open(): Promise<Site> {
  const folder = makeFolder();
  const front = await startServer({
    config: {
      rcpthosts: RCPTHOSTS,
      plugins: [
        'rcpt_ok',
        `queue/maildir ${folder}/one`,
        `queue/maildir:1 ${folder}/two`,
        `queue/lmtp ${folder}/lmtp.socket connect_timeout=1 command_timeout=1 data_timeout=5`,
      ],
      queue_routes: ['two.example queue/maildir:1', '.example queue/lmtp', 'one.example queue/maildir'],
    },
  });
  const startLmtp = () =>
    startServer({
      config: { rcpthosts: RCPTHOSTS, plugins: [choosyLine, 'rcpt_ok', `queue/maildir ${folder}/lmtp`] },
      files: choosyPlugin,
      args: ['--listen', `${folder}/lmtp.socket,lmtp`],
    });
  return { folder, front, startLmtp };
}

/** The text with a Message-ID, by which the server knows it again. */
const message = (number: number) => `Message-ID: <${number}@client.example>\r\n${numberedMessage(number)}`;

async function send(
  port: number,
  number: number,
  recipients: readonly string[],
  expected: RegExp,
): Promise<void> {
  const client = await greeted({ port });
  await client.openData('sender@client.example', ...recipients);
  await client.command(`${message(number)}.`, expected);
  await client.command('QUIT', 221);
}

/** `NUMBER RECIPIENTS` of the messages in a Maildir, sorted. */
function deliveries(folder: string, maildir: string): string[] {
  const path = join(folder, maildir, 'new');
  return readdirSync(path)
    .map((name) => {
      const text = readFileSync(join(path, name), 'latin1');
      // The first are those of the last server, the others came with the message.
      const [head = ''] = text.split(/^Received: /m);
      const recipients = [...head.matchAll(/^Delivered-To: (.+)$/gm)].map(([, one]) => one);
      return `${numberOf(text)} ${recipients.join(' ')}`;
    })
    .sort();
}

describe('queue_routes', () => {
  it('brings a message to each target once, for its recipients alone', async () => {
    const { folder, front, startLmtp } = await open();
    await startLmtp();
    for (const number of [0, 7]) await send(front.port, number, ALL, /^250 2\.0\.0 .*; .*; /);
    await send(front.port, 3, ['c@lmtp.example', 'd@lmtp.example', 'c@LMTP.example'], /^250 /);
    assert.deepEqual(deliveries(folder, 'one'), ['0 a@one.example', '7 a@one.example']);
    assert.deepEqual(deliveries(folder, 'two'), ['0 b@two.example', '7 b@two.example']);
    const [first, second, third] = deliveries(folder, 'lmtp');
    assert.equal(first, '0 c@lmtp.example');
    assert.equal(second, '3 c@lmtp.example d@lmtp.example');
    assert.equal(third, '7 c@lmtp.example');
  });

  it('tells a client of a target that is dead, and delivers to it alone once it is back', async () => {
    const { folder, front, startLmtp } = await open();
    await send(front.port, 1, ALL, /^45\d 4\./);
    await send(front.port, 1, ALL, /^45\d 4\./);
    await front.waitForLog(/the message is refused, but <a@one\.example> <b@two\.example> got it/);
    await startLmtp();
    await send(front.port, 1, ALL, /^250 /);
    assert.deepEqual(deliveries(folder, 'one'), ['1 a@one.example']);
    assert.deepEqual(deliveries(folder, 'two'), ['1 b@two.example']);
    assert.deepEqual(deliveries(folder, 'lmtp'), ['1 c@lmtp.example']);
  });

  it('tells a client of a target that refuses for now, for good, or one recipient alone', async () => {
    const { folder, front, startLmtp } = await open();
    await startLmtp();
    for (const [number, local, expected] of [
      [1, 'later-data', /^452 4\.7\.1 /],
      [2, 'later-alone', /^452 4\.7\.1 /],
      [3, 'never-data', /^552 5\.7\.1 /],
      [4, 'later-rcpt', /^450 4\.7\.1 /],
    ] as const) {
      await send(front.port, number, ['a@one.example', `${local}@lmtp.example`, 'c@lmtp.example'], expected);
    }
    for (const [number, local] of [
      [1, 'later-data'],
      [2, 'later-alone'],
      [4, 'later-rcpt'],
    ] as const) {
      await send(front.port, number, ['a@one.example', `${local}@lmtp.example`, 'c@lmtp.example'], /^250 /);
    }
    const one = [1, 2, 3, 4].map((number) => `${number} a@one.example`);
    assert.deepEqual(deliveries(folder, 'one'), one);
    assert.deepEqual(deliveries(folder, 'lmtp'), [
      '1 later-data@lmtp.example c@lmtp.example',
      '2 c@lmtp.example',
      '2 later-alone@lmtp.example',
      '4 later-rcpt@lmtp.example c@lmtp.example',
    ]);
  });

  it('tells a client of a target that hangs', async () => {
    const { folder, front } = await open();
    const silent = createServer(() => {}).listen(join(folder, 'lmtp.socket'));
    cleanUp(() => void silent.close());
    await once(silent, 'listening');
    await send(front.port, 1, ['a@one.example', 'c@lmtp.example'], /^45\d 4\./);
    await send(front.port, 1, ['a@one.example'], /^250 /);
    assert.deepEqual(deliveries(folder, 'one'), ['1 a@one.example']);
  });

  it('tells a client of each recipient that wants to know it (PRDR)', async () => {
    const { folder, front, startLmtp } = await open();
    await startLmtp();
    const client = await connect(front.port);
    await client.greet();
    await client.command('MAIL FROM:<s@client.example> PRDR', 250);
    for (const one of ['a@one.example', 'never-alone@lmtp.example', 'c@lmtp.example']) {
      await client.command(`RCPT TO:<${one}>`, 250);
    }
    await client.command('DATA', 354);
    await client.command(`${message(5)}.`, /^353 /);
    await client.expect(/^250 2\.0\.0 <a@one\.example> /);
    await client.expect(/^552 5\.7\.1 <never-alone@lmtp\.example> /);
    await client.expect(/^250 2\.0\.0 <c@lmtp\.example> /);
    await client.expect(/^250 /);
    assert.deepEqual(deliveries(folder, 'one'), ['5 a@one.example']);
    assert.deepEqual(deliveries(folder, 'lmtp'), ['5 c@lmtp.example']);
  });

  it('does not let a server start, or change over, to a target that is not there', async () => {
    const config = {
      plugins: ['rcpt_ok', 'queue/maildir Maildir'],
      queue_routes: ['# comment', 'a.example queue/maildir:1'],
    };
    await assert.rejects(
      startServer({ config }),
      /error: \S*config\/queue_routes:2: no line of plugins is named "queue\/maildir:1"/,
    );
    const server = await startServer({ config: { ...config, queue_routes: ['a.example queue/maildir'] } });
    writeFileSync(join(server.dir, 'config/queue_routes'), 'a.example queue/gone\n');
    server.signal('SIGHUP');
    await server.waitForLog(/queue_routes:1: no line of plugins is named "queue\/gone"/);
    await server.waitForLog(/the new configuration is not used/);
  });
});
