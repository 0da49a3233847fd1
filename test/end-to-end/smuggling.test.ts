// SMTP smuggling (CVE-2023-51764 and its kin): only CRLF.CRLF ends a message (RFC 5321 section 4.1.1.4; quirk 1
// of the original). A lone dot with any other line end before or behind it ends the connection, and nothing is
// queued, in whatever pieces it comes.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted, type SmtpDialog } from '../support/smtp-dialog.ts';

const attacks = [
  '\n.\r\n',
  '\r.\r\n',
  '\n.\n',
  '\r\n.\n',
  '\r\n.\r',
  '\n.\r',
  '\r.\r',
  '\r.\n',
  '\r\r\n.\r\r\n',
  '\r\n.\r\r\n',
  '\n\n.\r\n',
  '\n\r.\r\n',
  '\r\n\r.\r\n',
  '\r\n\r.\r',
  '\n\r\n.\n\r\n',
  '\r\r.\r\n',
];

// Nearly a lone dot, but text: the message goes on to its true end and holds what looks like a second one.
const texts: readonly (readonly [sent: string, stored: string])[] = [
  ['\r\n\0.\r\n', '\n\0.\n'],
  ['\r\n.\0\r\n', '\n\0\n'],
  ['\r\n .\r\n', '\n .\n'],
  ['\r\n. \r\n', '\n \n'],
  ['\r\n..\r\n', '\n.\n'],
  ['\r\n\x85.\r\n', '\n\x85.\n'],
  ['\r\n\x0b.\x0c\r\n', '\n\x0b.\x0c\n'],
  ['\r\n\u00b7\r\n', '\n\u00b7\n'],
];

const envelope = (name: string) => `MAIL FROM:<${name}@a.example>\r\nRCPT TO:<user@b.example>\r\nDATA\r\n`;
const first = 'Subject: first\r\n\r\nfirst';
const second = `${envelope('second')}Subject: second\r\n\r\nsecond\r\n.\r\n`;
const shown = (octets: string) => JSON.stringify(octets);

describe('smuggling', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({
      config: { plugins: ['rcpt_ok', recordLine], rcpthosts: 'b.example' },
      files: recordPlugin,
    });
  });

  async function begin(): Promise<SmtpDialog> {
    const client = await greeted(server);
    await client.openData('first@a.example', 'user@b.example');
    return client;
  }

  async function isHungUpOn(client: SmtpDialog, sequence: string): Promise<void> {
    await client.expect(/^421 4\.5\.2 /);
    assert.equal(await client.closed(), '', `something came behind 421 for ${shown(sequence)}`);
  }

  for (const sequence of attacks) {
    test(`${shown(sequence)} followed by a second message is 421 and the end`, async () => {
      const whole = await begin();
      whole.send(`${first}${sequence}${second}QUIT\r\n`);
      await isHungUpOn(whole, sequence);

      const split = await begin();
      await split.trickle(`${first}${sequence}${second}QUIT\r\n`);
      await isHungUpOn(split, sequence);

      const pipelined = await connect(server.port);
      pipelined.send(`EHLO c.example\r\n${envelope('first')}${first}${sequence}${second}QUIT\r\n`);
      for (const code of [220, 250, 250, 250, 354]) await pipelined.expect(code);
      await isHungUpOn(pipelined, sequence);

      assert.deepEqual(recordedMessages(server.dir), [], 'nothing is queued');
    });
  }

  test('such a dot at the very begin of the data is one too', async () => {
    for (const sequence of ['.\n', '.\r', '.\r\r\n']) {
      const client = await begin();
      client.send(`${sequence}${second}`);
      await isHungUpOn(client, sequence);
    }
    assert.deepEqual(recordedMessages(server.dir), []);
  });

  test('bare_newline reject: a bare LF is 521 and the end, for the networks that it names', async () => {
    for (const [lines, isRefused] of [
      ['reject', true],
      [['127.0.0.0/8 reject', 'normalize'], true],
      [['127.0.0.0/8 normalize', 'reject'], false],
      [['192.0.2.0/24 reject'], false],
    ] as const) {
      const strict = await startServer({
        config: { plugins: ['rcpt_ok', recordLine], rcpthosts: 'b.example', bare_newline: lines },
        files: recordPlugin,
      });
      const client = await greeted(strict);
      await client.openData('first@a.example', 'user@b.example');
      client.send('Subject: x\r\n\r\none\ntwo\r\n.\r\n');
      await client.expect(isRefused ? /^521 5\.5\.2 / : 250);
      if (isRefused) assert.equal(await client.closed(), '');
      assert.equal(recordedMessages(strict.dir).length, isRefused ? 0 : 1);
      await strict.kill();
    }
  });

  describe('text that only looks like an end', () => {
    let filed = 0;
    for (const [sent, stored] of texts) {
      test(`${shown(sent)} makes one message with both in it`, async () => {
        for (const way of ['send', 'trickle'] as const) {
          const client = await begin();
          await client[way](`${first}${sent}${second}`);
          await client.expect(250);
          await client.command('QUIT', 221);
          assert.equal(await client.closed(), '');
          const messages = recordedMessages(server.dir);
          filed++;
          assert.equal(messages.length, filed, 'exactly one message more');
          const { envelope: path, content } = messages.at(-1) ?? { envelope: '', content: '' };
          assert.equal(path, '<first@a.example> <user@b.example>');
          const expected = `${first}${sent}${second.slice(0, -3)}`.replaceAll('\r\n', '\n');
          assert.ok(expected.includes(sent.replaceAll('\r\n', '\n')));
          assert.equal(
            content.slice(content.indexOf('Subject: first')),
            expected.replace(sent.replaceAll('\r\n', '\n'), stored),
          );
        }
      });
    }

    test('CR CR LF . CR LF is the true end; the bare CR before it is text (quirk 1)', async () => {
      const client = await begin();
      await client.trickle(`${first}\r\r\n.\r\nNOOP\r\n`);
      await client.expect(250);
      await client.expect(/^250 2\.0\.0/);
      const messages = recordedMessages(server.dir);
      assert.equal(messages.length, filed + 1);
      assert.match(messages.at(-1)?.content ?? '', /\n\nfirst\r\n$/);
    });
  });
});
