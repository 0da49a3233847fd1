// queue/lmtp to Dovecot, to smtp-sink, and to a server of our own: an answer for each recipient, what clients hear of
// them, and that who has a message does not get it twice.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { choosyLine, choosyPlugin } from '../support/choosy-plugin.ts';
import { type Dovecot, startDovecot, whyNoDovecot } from '../support/dovecot.ts';
import { delicateMessages, sendBy, sendTo, startForwarder } from '../support/forwarding-server.ts';
import { freePort } from '../support/free-port.ts';
import { Daemon, until } from '../support/other-mta.ts';
import { whyNoPostfix } from '../support/postfix.ts';
import { belowTrace, recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';

const withLf = (text: string) => text.replaceAll('\r\n', '\n');
const withSubject = (list: readonly string[], subject: string) =>
  list.filter((text) => text.includes(`\nSubject: ${subject}\n`));
const message = (subject: string) =>
  `Message-ID: <${subject.replaceAll(' ', '-')}@a.example>\r\nSubject: ${subject}\r\n\r\nbody\r\n`;

describe('to Dovecot', { skip: whyNoDovecot() }, () => {
  let dovecot: Dovecot;
  let byTcp: TestServer;
  let bySocket: TestServer;
  before(async () => {
    dovecot = await startDovecot(['user', 'other', 'full']);
    byTcp = await startForwarder(`queue/lmtp 127.0.0.1:${dovecot.port}`);
    bySocket = await startForwarder(`queue/lmtp ${dovecot.path}`);
  });

  for (const [what, text] of Object.entries(delicateMessages)) {
    test(`a message arrives once and whole, by TCP and by the socket: ${what}`, async () => {
      for (const [at, forwarder] of [byTcp, bySocket].entries()) {
        await sendTo(forwarder, text, /^250 2\.0\.0 queued: <user@b\.example> \S+ Saved$/);
        const fields = withLf(text).slice(0, withLf(text).indexOf('\n\n') + 1);
        const arrived = dovecot.mailbox('user').filter((one) => one.includes(`\n${fields}\n`));
        assert.equal(arrived.length, at + 1, dovecot.log());
        for (const one of arrived) assert.ok(one.endsWith(withLf(text)), one.slice(0, 2000));
      }
    });
  }

  test('a recipient that it does not know is refused, and nobody gets anything', async () => {
    const to = ['other@b.example', 'nobody@b.example'];
    await sendTo(byTcp, message('unknown'), /^55\d 5\.1\.1 <nobody@b\.example> User doesn't exist/, { to });
    assert.deepEqual(withSubject(dovecot.mailbox('other'), 'unknown'), []);
  });

  test('for a client that takes an answer for each recipient', async () => {
    const client = await greeted(byTcp);
    const to = ['user@b.example', 'nobody@b.example', 'full@b.example', 'other@b.example'];
    await sendBy(client, message('each'), 353, { to, mailParams: ' PRDR' });
    await client.expect(/^250 2\.0\.0 <user@b\.example> queued: .* Saved$/);
    await client.expect(/^55\d 5\.1\.1 <nobody@b\.example> .*User doesn't exist/);
    await client.expect(/^55\d 5\.2\.2 <full@b\.example> .*Quota exceeded/);
    await client.expect(/^250 2\.0\.0 <other@b\.example> queued: .* Saved$/);
    await client.expect(/^250 2\.0\.0 /);
    for (const user of ['user', 'other']) {
      assert.equal(withSubject(dovecot.mailbox(user), 'each').length, 1);
    }
  });

  test('whose mailbox is full: the client hears it, and the others do not get the message twice', async () => {
    const to = ['user@b.example', 'full@b.example'];
    for (let count = 0; count < 2; count++) {
      await sendTo(byTcp, message('full'), /^55\d 5\.2\.2 <full@b\.example> .*Quota exceeded/, { to });
      assert.equal(withSubject(dovecot.mailbox('user'), 'full').length, 1);
    }
    assert.deepEqual(dovecot.mailbox('full'), []);
  });

  test('has its Return-Path', async () => {
    await sendTo(byTcp, message('path'), 250);
    assert.match(
      withSubject(dovecot.mailbox('user'), 'path')[0] ?? '',
      /^Return-Path: <sender@a\.example>\n/,
    );
  });
});

describe('to a server of our own', () => {
  let final: TestServer;
  let forwarder: TestServer;
  before(async () => {
    final = await startServer({
      config: {
        plugins: [choosyLine, 'rcpt_ok', recordLine],
        rcpthosts: ['b.example'],
        'me-auth-results': 'none',
        loglevel: 'info',
      },
      files: { ...recordPlugin, ...choosyPlugin },
      args: ['--listen', '@DIR@/lmtp,lmtp'],
    });
    forwarder = await startForwarder(`queue/lmtp ${final.dir}/lmtp`);
  });

  const withBody = (subject: string) =>
    withSubject(
      recordedMessages(final.dir).map(({ content }) => content),
      subject,
    );

  for (const [what, text] of Object.entries(delicateMessages)) {
    test(`a message arrives whole: ${what}`, async () => {
      await sendTo(forwarder, text, 250);
      assert.equal(belowTrace(recordedMessages(final.dir).at(-1)?.content ?? ''), withLf(text));
    });
  }

  test('the refusal of one recipient behind the message is heard; the other has it once when it comes again', async () => {
    const to = ['user@b.example', 'later-alone@b.example'];
    await sendTo(forwarder, message('later'), /^45\d 4\.7\.1 <later-alone@b\.example> later alone$/, { to });
    assert.equal(withBody('later').length, 1);
    await sendTo(forwarder, message('later'), 250, { to });
    assert.deepEqual(
      recordedMessages(final.dir)
        .slice(-2)
        .map(({ envelope }) => envelope),
      ['<sender@a.example> <user@b.example>', '<sender@a.example> <later-alone@b.example>'],
    );
  });

  test('a client that takes an answer for each recipient gets them', async () => {
    const client = await greeted(forwarder);
    const to = ['user@b.example', 'never-alone@b.example', 'never-rcpt@b.example'];
    await sendBy(client, message('each'), 353, { to, mailParams: ' PRDR' });
    await client.expect(/^250 2\.0\.0 <user@b\.example> /);
    await client.expect(/^55\d 5\.7\.1 <never-alone@b\.example> .*never alone$/);
    await client.expect(/^55\d 5\.7\.1 <never-rcpt@b\.example> never rcpt$/);
    await client.expect(/^250 /);
    assert.equal(withBody('each').length, 1);
  });
});

describe('to smtp-sink', { skip: await whyNoPostfix() }, () => {
  const cases: readonly (readonly [args: readonly string[], answer: RegExp])[] = [
    [[], /^250 /],
    [['-p'], /^250 /],
    [['-r', 'RCPT'], /^45\d 4\.3\.0 /],
    [['-f', '.'], /^55\d 5\.3\.0 /],
    [['-q', '.'], /^45\d 4\.4\.2 /],
  ];
  for (const [args, answer] of cases) {
    test(`smtp-sink -L ${args.join(' ')}`, async () => {
      const port = await freePort();
      const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
      const sink = new Daemon('smtp-sink', [...user, '-L', ...args, `127.0.0.1:${port}`, '100']);
      await sink.listensOn(port, () => '');
      const forwarder = await startForwarder(`queue/lmtp 127.0.0.1:${port}`);
      const to = ['a@b.example', 'b@b.example', 'c@b.example'];
      await sendTo(forwarder, message('sink'), answer, { to });
      await until(
        () => /pass, |fail, |error, /.test(forwarder.stderr()),
        () => forwarder.stderr(),
      );
    });
  }
});
