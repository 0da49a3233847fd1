// What a stranger writes stays what it is: text. Line ends, control bytes, terminal sequences and endless strings in
// every place that a client or its DNS can fill come out of no reply, log line or header field but as printable ASCII,
// and make no file (quirks 14, 15 and 23 of the original).

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { loopbackDns, replyTo } from '../net/loopback-dns.ts';
import { cleanUp } from '../support/cleanup.ts';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect } from '../support/smtp-dialog.ts';

const MARK = 'INJECTED';
const PASSWORD = 'password-that-nobody-may-see';

/** None holds CRLF, which would only make two lines of one. */
const payloads: Readonly<Record<string, string>> = {
  'a bare CR': `a\r${MARK}: yes`,
  'a bare LF': `a\n${MARK}: yes`,
  'LF and CR': `a\n\r${MARK}: yes\n\r`,
  'a NUL': `a\0${MARK}`,
  'a terminal sequence': `\x1b]0;${MARK}\x07\x1b[2J\x1b[31m`,
  'an 8-bit terminal sequence': `\x9b2J\x9d0;${MARK}\x9c`,
  'DEL and backspace': `a\x7f\b\b\b${MARK}`,
  'Unicode line ends': Buffer.from(`a\u2028${MARK}\u2029\u0085${MARK}\u202e`).toString('latin1'),
  'a reply': `250 ${MARK}`,
  'a field': `x) ${MARK}; auth=pass smtp.auth="root@b.example`,
  'a path': `../../../../${MARK}/../x`,
  'a command of the shell': `$(touch ${MARK})\`touch ${MARK}\`;touch ${MARK}`,
  'a format': '%s%n%d{0}{}%%',
  '64 KiB': `${MARK} `.repeat(65_536 / (MARK.length + 1)),
};

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

/** Lines that a client sends with a payload in some place. */
const places: Readonly<Record<string, (payload: string) => readonly string[]>> = {
  EHLO: (it) => [`EHLO ${it}`],
  HELO: (it) => [`HELO ${it}`],
  'a literal in EHLO': (it) => [`EHLO [${it}]`],
  MAIL: (it) => ['EHLO c', `MAIL FROM:<${it}>`],
  'the local part of MAIL': (it) => ['EHLO c', `MAIL FROM:<"${it}"@a.example>`],
  'the domain of MAIL': (it) => ['EHLO c', `MAIL FROM:<a@${it}>`],
  'a parameter of MAIL': (it) => ['EHLO c', `MAIL FROM:<a@a.example> ${it}=${it}`],
  RCPT: (it) => [
    'EHLO c',
    'MAIL FROM:<a@a.example>',
    `RCPT TO:<${it}@b.example>`,
    `RCPT TO:<"${it}"@b.example>`,
  ],
  'an unknown command': (it) => [it, `X${it} ${it}`],
  'NOOP, VRFY and HELP': (it) => [`NOOP ${it}`, `VRFY ${it}`, `HELP ${it}`],
  'AUTH, as it stands': (it) => ['EHLO c', `AUTH ${it}`, `AUTH PLAIN ${it}`],
  'AUTH PLAIN': (it) => ['EHLO c', `AUTH PLAIN ${base64(`\0${it}@b.example\0${PASSWORD}`)}`],
  'AUTH LOGIN': (it) => ['EHLO c', `AUTH LOGIN ${base64(it)}`, base64(PASSWORD)],
  'the password': (it) => ['EHLO c', `AUTH PLAIN ${base64(`\0user@b.example\0${PASSWORD}${it}`)}`],
};

const withMessage = [
  'MAIL FROM:<a@a.example>',
  'RCPT TO:<user@b.example>',
  'DATA',
  'Subject: x',
  '',
  'body',
  '.',
];

/** All replies to lines that are sent in one piece, with QUIT behind them. */
async function converse(port: number, lines: readonly string[], client = '192.0.2.1'): Promise<string> {
  const dialog = await connect(port);
  dialog.send(`PROXY TCP4 ${client} 192.0.2.25 49152 25\r\n`);
  dialog.send([...lines, ...withMessage, 'QUIT', ''].join('\r\n'));
  return dialog.closed();
}

function assertPlainReplies(replies: string): void {
  assert.match(replies, /^220 /);
  for (const line of replies.split('\r\n').slice(0, -1)) {
    assert.match(line, /^[2-5]\d\d[ -][\x20-\x7e]{0,506}$/);
    assert.doesNotMatch(line, new RegExp(`^250[ -](?:\\d\\.\\d\\.\\d )?${MARK}`));
  }
  assert.ok(replies.endsWith('\r\n'));
}

const FIELD = /^(?:[!-9;-~]+:.*|[ \t].*)$/;

describe('nothing that a stranger writes gets out of its place', () => {
  let server: TestServer;
  const names = Object.values(payloads);

  before(async () => {
    // 192.0.2.100 is called by the first payload, 192.0.2.101 by the next.
    const dns = await loopbackDns(({ type, name, query }) => {
      const [, last] = /^(\d+)\.2\.0\.192\.in-addr\.arpa$/.exec(name) ?? [];
      const payload = names[Number(last) - 100];
      if (type !== 'PTR' || payload === undefined) return [replyTo(query, { rcode: 3 })];
      const data = `${payload.slice(0, 60).replaceAll('.', '')}.example`;
      return [replyTo(query, { answers: [{ type: 'PTR', name, ttl: 60, data }] })];
    });
    cleanUp(() => dns.close());
    server = await startServer({
      config: {
        plugins: ['auth/auth_flat_file', 'rcpt_ok', recordLine],
        rcpthosts: 'b.example',
        me: 'mx.b.example',
        loglevel: '7',
        flat_auth_pw: 'user@b.example:secret',
        proxy_networks: '127.0.0.0/8',
        auth_failure_delay: '0',
        auth_lockout_failures: '0',
      },
      files: recordPlugin,
      args: ['--dns', `127.0.0.1:${dns.server.port}`],
    });
  });

  for (const [place, lines] of Object.entries(places)) {
    test(`into a reply: ${place}`, async () => {
      for (const payload of Object.values(payloads))
        assertPlainReplies(await converse(server.port, lines(payload)));
    });
  }

  test('into a reply: the name of the client', async () => {
    for (const at of names.keys()) {
      assertPlainReplies(await converse(server.port, ['EHLO c', 'HELP'], `192.0.2.${100 + at}`));
    }
  });

  test('into a reply: the header of a message', async () => {
    for (const payload of names) {
      const header = [
        `Subject: ${payload.replaceAll('\n', '')}`,
        `${payload.replaceAll('\n', '')}: x`,
        '',
        'x',
        '.',
      ];
      const lines = ['EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<user@b.example>', 'DATA', ...header];
      assertPlainReplies(await converse(server.port, lines));
    }
  });

  // These look at what all the conversations above have left.
  test('into the log', async () => {
    const lines = server.stderr().split('\n').slice(0, -1);
    assert.ok(lines.length > 1000, 'the conversations were logged');
    for (const line of lines) {
      assert.match(line, /^\d+(?:\.\d+)? [\x20-\x7e]*$/);
      assert.ok(line.length < 4096, `a line of ${line.length} characters: ${line.slice(0, 200)}`);
    }
    const secrets = [PASSWORD, base64(PASSWORD)];
    const telling = lines.flatMap((line, at) =>
      secrets.some((secret) => line.includes(secret)) ? [lines.slice(Math.max(0, at - 3), at + 1)] : [],
    );
    assert.deepEqual(telling, []);
  });

  test('into a header', () => {
    const messages = recordedMessages(server.dir);
    assert.ok(messages.length > 100, `${messages.length} messages`);
    for (const { envelope, content } of messages) {
      assert.match(envelope, /^[\x20-\x7e]*$/);
      const own = content.slice(0, content.search(/^Subject:/m));
      for (const line of own.trimEnd().split('\n')) {
        assert.match(line, FIELD);
        assert.match(line, /^[\t\x20-\x7e]*$/);
        assert.ok(!line.startsWith(MARK), line);
        assert.ok(line.length <= 998, `a field line of ${line.length} characters`);
      }
    }
  });

  test('into the file system', () => {
    const files = readdirSync(server.dir, { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      files.filter((file) => file.includes(MARK)),
      [],
    );
    assert.deepEqual(readdirSync(server.dir).sort(), ['config', 'mail', 'plugins', 'spool']);
  });
});
