// Commands in bulk (PIPELINING, RFC 2920) and several transactions on one connection: replies come in order,
// complete, and in one write.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { type ConfigFiles, startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';

function start(config: ConfigFiles = {}): Promise<TestServer> {
  return startServer({
    config: { plugins: ['rcpt_ok', recordLine], rcpthosts: 'b.example', me: 'mx.b.example', ...config },
    files: recordPlugin,
  });
}

const transaction = (text: string) =>
  `MAIL FROM:<a@a.example>\r\nRCPT TO:<user@b.example>\r\nDATA\r\nSubject: ${text}\r\n\r\n${text}\r\n.\r\n`;

describe('pipelining', () => {
  let server: TestServer;
  before(async () => {
    server = await start();
  });

  const ten = [
    ['NOOP', /^250 2\.0\.0 /],
    ['RSET', /^250 2\.0\.0 /],
    ['RCPT TO:<user@b.example>', /^503 5\.5\.1 /],
    ['MAIL FROM:<a@a.example>', /^250 2\.1\.0 <a@a\.example>/],
    ['RCPT TO:<user@b.example>', /^250 2\.1\.5 <user@b\.example>/],
    ['RCPT TO:<user@elsewhere.example>', /^550 5\.7\.1 /],
    ['FNORD', /^500 5\.5\.1 /],
    ['VRFY user', /^252 2\.1\.5 /],
    ['HELP', /^214-/],
    ['RSET', /^250 2\.0\.0 /],
  ] as const;

  test('ten commands in one packet: ten replies in order, in one write', async () => {
    const client = await greeted(server);
    const before = client.reads;
    client.send(ten.map(([command]) => `${command}\r\n`).join(''));
    for (const [, reply] of ten) await client.expect(reply);
    assert.equal(client.received, '', 'no reply too many');
    assert.equal(client.reads - before, 1, 'all in one read');
  });

  test('a whole session in one write, before the greeting', async () => {
    const client = await connect(server.port);
    client.send(`EHLO c.example\r\n${transaction('in one write')}QUIT\r\n`);
    for (const code of [220, 250, 250, 250, 354, 250, 221]) await client.expect(code);
    assert.equal(await client.closed(), '');
    assert.match(recordedMessages(server.dir).at(-1)?.content ?? '', /\n\nin one write\n$/);
  });

  test('the same an octet at a time', async () => {
    const client = await connect(server.port);
    await client.trickle(`EHLO c.example\r\n${transaction('octet by octet')}QUIT\r\n`);
    for (const code of [220, 250, 250, 250, 354, 250, 221]) await client.expect(code);
    assert.equal(await client.closed(), '');
    assert.match(recordedMessages(server.dir).at(-1)?.content ?? '', /\n\noctet by octet\n$/);
  });

  test('a client that closes its side behind QUIT gets all replies, and its message is queued', async () => {
    const client = await connect(server.port);
    client.send(`EHLO c.example\r\n${transaction('half-closed')}QUIT\r\n`);
    client.halfClose();
    for (const code of [220, 250, 250, 250, 354, 250, 221]) await client.expect(code);
    assert.equal(await client.closed(), '');
    assert.match(recordedMessages(server.dir).at(-1)?.content ?? '', /\n\nhalf-closed\n$/);
  });

  test('a client that closes its side without QUIT gets the replies to what it said', async () => {
    const client = await connect(server.port);
    client.send('EHLO c.example\r\nNOOP\r\nMAIL FROM:<a@a.example>\r\n');
    client.halfClose();
    for (const code of [220, 250, 250, 250]) await client.expect(code);
    assert.equal(await client.closed(), '');
  });

  test('an unfinished line at the end of a connection is no command', async () => {
    const client = await greeted(server);
    client.send('NOOP\r\nQUIT');
    client.halfClose();
    await client.expect(250);
    assert.equal(await client.closed(), '');
  });

  test('what comes behind QUIT is ignored', async () => {
    const client = await greeted(server);
    const before = recordedMessages(server.dir).length;
    client.send(`QUIT\r\nNOOP\r\n${transaction('too late')}`);
    await client.expect(221);
    assert.equal(await client.closed(), '');
    assert.equal(recordedMessages(server.dir).length, before);
  });

  test('thousand transactions in one write', async () => {
    const client = await greeted(server);
    const before = recordedMessages(server.dir).length;
    client.send(Array.from({ length: 1000 }, (_, at) => transaction(`bulk ${at}`)).join(''));
    for (let at = 0; at < 1000; at++) for (const code of [250, 250, 354, 250]) await client.expect(code);
    await client.command('QUIT', 221);
    const bodies = recordedMessages(server.dir)
      .slice(before)
      .map(({ content }) => content.slice(content.indexOf('\n\n') + 2));
    assert.deepEqual(
      bodies,
      Array.from({ length: 1000 }, (_, at) => `bulk ${at}\n`),
    );
  });
});

describe('several transactions on a connection', () => {
  let server: TestServer;
  before(async () => {
    server = await start();
  });

  test('the second one knows nothing of the first', async () => {
    const client = await greeted(server);
    client.send(transaction('first'));
    for (const code of [250, 250, 354, 250]) await client.expect(code);
    await client.command('RCPT TO:<user@b.example>', 503);
    await client.openData('other@a.example', 'user2@b.example');
    client.send('Subject: second\r\n\r\nsecond\r\n.\r\n');
    await client.expect(250);
    const messages = recordedMessages(server.dir);
    assert.deepEqual(
      messages.map(({ envelope }) => envelope),
      ['<a@a.example> <user@b.example>', '<other@a.example> <user2@b.example>'],
    );
    assert.doesNotMatch(messages[1]?.content ?? '', /first/);
  });

  for (const command of ['RSET', 'EHLO again.example', 'HELO again.example']) {
    test(`${command} ends the transaction (RFC 5321 section 4.1.4, quirk 10)`, async () => {
      const client = await greeted(server);
      await client.envelope('a@a.example', 'user@b.example');
      await client.command(command, 250);
      await client.command('RCPT TO:<user@b.example>', 503);
      await client.command('DATA', 503);
    });
  }

  test('MAIL inside of a transaction begins a new one (quirk 10)', async () => {
    const client = await greeted(server);
    await client.envelope('a@a.example', 'user@b.example');
    await client.command('MAIL FROM:<b@a.example>', 250);
    await client.command('DATA', /^503 .*RCPT/);
  });

  test('a message without recipients or sender is not begun', async () => {
    const client = await greeted(server);
    await client.command('DATA', /^503 .*MAIL/);
    await client.command('MAIL FROM:<a@a.example>', 250);
    await client.command('RCPT TO:<user@elsewhere.example>', 550);
    await client.command('DATA', /^503 .*RCPT/);
  });
});
