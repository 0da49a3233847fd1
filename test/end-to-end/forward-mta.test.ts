// queue/smtp-forward to other mail servers: Postfix with mailboxes, Exim and OpenSMTPD that hand on to a server of ours,
// and smtp-sink, which writes down what it hears.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { startExim } from '../support/exim.ts';
import { delicateMessages, sendTo, startForwarder } from '../support/forwarding-server.ts';
import { freePort } from '../support/free-port.ts';
import { startOpenSmtpd } from '../support/opensmtpd.ts';
import {
  Daemon,
  makeFolder,
  makeOwned,
  type NextHop,
  type OtherMta,
  until,
  whyNotUnpacked,
} from '../support/other-mta.ts';
import { whyNoPostfix } from '../support/postfix.ts';
import { type PostfixMailboxes, SIZE_LIMIT, startPostfixMailboxes } from '../support/postfix-mailboxes.ts';
import { filesIn, recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';

const withLf = (text: string) => text.replaceAll('\r\n', '\n');
const bodyOf = (content: string) => content.slice(content.indexOf('\n\n') + 2);
const subjectOf = (text: string) =>
  /^Subject: (.*(?:\r?\n[ \t].*)*)/m.exec(text)?.[1]?.replaceAll('\r', '') ?? '';

/** Fails unless the message is what was sent, below what the servers on its way have put on top. */
function assertWhole(arrived: string | undefined, message: string): void {
  const sent = withLf(message);
  const fields = sent.slice(0, sent.indexOf('\n\n') + 1);
  assert.ok(
    arrived !== undefined && bodyOf(arrived) === bodyOf(sent),
    `another body: ${arrived?.slice(0, 2000)}`,
  );
  assert.ok(
    arrived.slice(0, arrived.indexOf('\n\n') + 1).endsWith(fields),
    `other fields: ${arrived.slice(0, 2000)}`,
  );
}

/** Waits for the message with this subject. */
async function isIn(list: () => readonly string[], subject: string, log: () => string): Promise<string> {
  const find = () => list().find((text) => text.includes(`\nSubject: ${subject}\n`));
  await until(
    () => find() !== undefined,
    () => `${subject} did not arrive: ${log().slice(-5000)}`,
  );
  return find() ?? '';
}

describe('to Postfix', { skip: await whyNoPostfix() }, () => {
  let postfix: PostfixMailboxes;
  let forwarder: TestServer;
  before(async () => {
    postfix = await startPostfixMailboxes({ users: ['user', 'other', 'later'] });
    forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${postfix.port}`);
  });

  for (const [what, message] of Object.entries(delicateMessages)) {
    test(`a message arrives once and whole: ${what}`, async () => {
      await sendTo(
        forwarder,
        message,
        /^250 2\.0\.0 queued: Ok: queued as \w+$|^250 2\.0\.0 queued: .* queued as \w+$/,
      );
      assertWhole(await isIn(() => postfix.mailbox('user'), subjectOf(message), postfix.log), message);
    });
  }

  test('a recipient that it does not know is refused with its words, and nobody gets anything', async () => {
    const message = 'Subject: unknown\r\n\r\nbody\r\n';
    const to = ['other@b.example', 'nobody@b.example'];
    await sendTo(forwarder, message, /^55\d 5\.1\.1 <nobody@b\.example>: Recipient address rejected/, { to });
    await sendTo(
      forwarder,
      message,
      /^45\d 4\.2\.1 <later@b\.example>: Recipient address rejected: come again$/,
      {
        to: ['later@b.example'],
      },
    );
    assert.deepEqual(postfix.mailbox('other'), []);
  });

  test('a message that is too big is refused by its SIZE', async () => {
    const message = `Subject: big\r\n\r\n${'0123456789abcdef\r\n'.repeat(SIZE_LIMIT / 16)}`;
    await sendTo(forwarder, message, /^55\d 5\.3\.4 Message size exceeds fixed limit/);
  });

  test('names its client by XCLIENT', async () => {
    const proxy = await startForwarder(`queue/smtp-forward 127.0.0.1 ${postfix.port} xclient`);
    for (const subject of ['xclient 1', 'xclient 2']) {
      const message = `Subject: ${subject}\r\n\r\nbody\r\n`;
      await sendTo(proxy, message, 250, { to: ['other@b.example'] });
      const arrived = await isIn(() => postfix.mailbox('other'), subject, postfix.log);
      assert.match(arrived, /^Received: from client\.example \(/m);
    }
  });

  test('wishes for delivery reports and addresses in UTF-8 are handed on', async () => {
    const message = 'Subject: utf8\r\n\r\nbody\r\n';
    const octets = Buffer.from('grün@b.example').toString('latin1');
    // Postfix knows no such user: that it says so shows that it has understood.
    const answer = await sendTo(forwarder, message, /^55\d 5\.1\.1 /, {
      to: [octets],
      mailParams: ' SMTPUTF8',
    });
    assert.match(answer, /Recipient address rejected/);
    await sendTo(forwarder, 'Subject: dsn\r\n\r\nbody\r\n', 250, {
      mailParams: ' RET=HDRS ENVID=id1',
      rcptParams: ' NOTIFY=SUCCESS ORCPT=rfc822;first@b.example',
    });
    await until(
      () => /: sender delivery status notification: /.test(postfix.log()),
      () => postfix.log().slice(-3000),
    );
  });

  test('under TLS that is checked, by BDAT and without it', async () => {
    const ca = makeCertificate('Test CA', { isCa: true });
    const certificate = makeCertificate('mx.b.example', { issuer: ca });
    for (const settings of [
      [],
      ['smtpd_discard_ehlo_keywords = chunking'],
      ['smtpd_discard_ehlo_keywords = chunking, pipelining'],
    ]) {
      const secure = await startPostfixMailboxes({ users: ['user'], certificate, settings });
      const words = 'tls require tls_ca @DIR@/ca.pem tls_name mx.b.example';
      const server = await startForwarder(`queue/smtp-forward 127.0.0.1 ${secure.port} ${words}`, {
        files: { 'ca.pem': ca.cert },
      });
      const message = delicateMessages['leading dots'] ?? '';
      await sendTo(server, message, 250);
      const arrived = await isIn(() => secure.mailbox('user'), subjectOf(message), secure.log);
      assertWhole(arrived, message);
      assert.match(arrived, / with ESMTPS id /);
    }
  });
});

interface Relay {
  readonly name: 'exim' | 'opensmtpd';
  start(next: NextHop): Promise<OtherMta>;
}

const relays: readonly Relay[] = [
  { name: 'exim', start: startExim },
  { name: 'opensmtpd', start: startOpenSmtpd },
];

for (const { name, start } of relays) {
  describe(`to ${name}`, { skip: whyNotUnpacked(name) }, () => {
    let final: TestServer;
    let mta: OtherMta;
    let forwarder: TestServer;
    before(async () => {
      final = await startServer({
        config: { plugins: ['rcpt_ok', recordLine], rcpthosts: ['b.example'], 'me-auth-results': 'none' },
        files: recordPlugin,
      });
      mta = await start(final);
      forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${mta.port}`);
    });

    for (const [what, message] of Object.entries(delicateMessages)) {
      test(`a message arrives once and whole: ${what}`, async () => {
        await sendTo(forwarder, message, 250);
        const list = () => recordedMessages(final.dir).map(({ content }) => content);
        const arrived = await isIn(list, subjectOf(message), mta.log);
        assert.equal(list().filter((text) => text === arrived).length, 1);
        assert.equal(bodyOf(arrived), bodyOf(withLf(message)));
      });
    }

    test('many go over one connection', () => {
      assert.doesNotMatch(forwarder.stderr(), / error, /);
    });
  });
}

describe('to smtp-sink', { skip: await whyNoPostfix() }, () => {
  async function startSink(...args: readonly string[]) {
    const folder = makeFolder();
    makeOwned(folder, 65_534, 0o777);
    const port = await freePort();
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const dump = ['-d', `${folder}/message.`];
    const daemon = new Daemon('smtp-sink', [...user, ...dump, ...args, `127.0.0.1:${port}`, '100']);
    await daemon.listensOn(port, () => '');
    return { port, files: () => filesIn(folder) };
  }

  for (const args of [[], ['-p'], ['-e']]) {
    test(`a message arrives whole: smtp-sink ${args.join()}`, async () => {
      const sink = await startSink(...args);
      const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${sink.port}`);
      const message = delicateMessages['leading dots'] ?? '';
      await sendTo(forwarder, message, 250);
      const isWhole = () => sink.files().some((text) => withLf(text).includes(bodyOf(withLf(message))));
      await until(isWhole, () => sink.files().join('\n'));
    });
  }

  const refusals: readonly (readonly [args: readonly string[], answer: RegExp])[] = [
    [['-q', 'MAIL'], /^45\d 4\.4\.1 /],
    [['-q', 'RCPT'], /^45\d 4\.4\.1 /],
    [['-q', '.'], /^45\d 4\.4\.2 /],
    [['-r', 'MAIL'], /^45\d 4\.3\.0 /],
    [['-r', 'RCPT'], /^45\d 4\.3\.0 /],
    [['-r', 'DATA'], /^45\d 4\.3\.0 /],
    [['-r', '.'], /^45\d 4\.3\.0 /],
    [['-f', 'RCPT'], /^55\d 5\.3\.0 /],
    [['-f', '.'], /^55\d 5\.3\.0 /],
    [['-r', 'CONNECT'], /^45\d 4\.4\.1 /],
    [['-f', 'EHLO'], /^250 /],
  ];
  for (const [args, answer] of refusals) {
    test(`its failure is the client's answer: smtp-sink ${args.join(' ')}`, async () => {
      const sink = await startSink(...args);
      const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${sink.port}`);
      await sendTo(forwarder, delicateMessages['plain'] ?? '', answer);
    });
  }
});
