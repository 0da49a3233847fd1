// Real clients deliver into a real Maildir: every message is there exactly once, and below our trace fields it is
// what was sent, octet by octet (CRLF stored as LF). Quirk 2 of the original: no line of a message is ever lost.
//   QPSMTPD_LOAD=5000 for more messages from smtp-source than the 1,000 by default

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { run } from '../support/program.ts';
import { belowTrace, filesIn } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';

const SENDER = 'sender@a.example';
const RECIPIENT = 'user@b.example';

/** One octet a character, as it is handed to the client program. */
const messages: Readonly<Record<string, string>> = {
  plain: 'Subject: plain\r\nFrom: <a@a.example>\r\n\r\nHello\r\n',
  '8-bit': 'Subject: gr\xfc\xdfe\r\n\r\n\xe4\xf6\xfc \xff\xfe\x80 \xc3\xa4\r\n',
  'leading dots': 'Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.text\r\n..text\r\n. \r\n \r\n.\r\nend\r\n',
  'a line of 100 kB': `Subject: long\r\n\r\n${'0123456789'.repeat(10_000)}\r\nend\r\n`,
  'a header line of 100 kB': `Subject: ${'long '.repeat(20_000)}\r\n\r\nbody\r\n`,
  'no final line end': 'Subject: open\r\n\r\nno line end',
  'header and blank line only': 'Subject: header only\r\n\r\n',
  'folded header': 'Subject: a\r\n  b\r\n\tc\r\nX-Odd:no blank\r\nx-EMPTY:\r\n\r\nbody\r\n',
  '5 MB': `Subject: big\r\n\r\n${'All work and no play makes a big message.\r\n'.repeat(120_000)}`,
};

/** What not every client program hands on as it is. */
const awkward: Readonly<Record<string, string>> = {
  'header only': 'Subject: nothing below\r\n',
  'a lone dot at the end': 'Subject: dot\r\n\r\nbody\r\n.\r\n',
  NUL: 'Subject: n\0l\r\n\r\n\0\0body\0\r\n\0',
  'no header': 'just some text\r\nand more: of it\r\n\r\nend\r\n',
  'a blank line first': '\r\nbody of a message without header\r\n',
  'a continuation line first': ' Subject: not\r\nX: y\r\n\r\nbody\r\n',
  'a header line without colon': 'Subject: s\r\nno field at all\r\nX: y\r\n\r\nbody\r\n',
};

const barelyLines: Readonly<Record<string, string>> = {
  empty: '',
  'bare CR': 'Subject: c\rr\r\n\r\na\rb\r\r\nc\r\n',
  'bare LF': 'Subject: lf\nX: y\r\n\r\na\nb\n\nc\r\n',
  'bare LF only': 'Subject: lf\n\na\n.b\n',
  'every octet': `Subject: octets\r\n\r\n${Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('')}\r\n`,
};

/** What lies in the Maildir below the trace fields. */
function stored(sent: string): string {
  const whole = sent === '' || sent.endsWith('\r\n') ? sent : `${sent}\r\n`;
  const text = whole.replaceAll('\r\n', '\n');
  const hasHeader = /^[!-9;-~]+[ \t]*:/.test(text);
  return text === '' || hasHeader || text.startsWith('\n') ? text : `\n${text}`;
}

/** Text of a size in place of megabytes in an error message. */
function digest(text: string): string {
  const hash = createHash('sha256').update(text, 'latin1').digest('hex');
  return `${text.length} octets, ${hash}, ${JSON.stringify(text.slice(0, 60))}`;
}

async function isMissing(program: string): Promise<string | false> {
  const { code } = await run('sh', ['-c', `command -v ${program}`]);
  return code === 0 ? false : `${program} is not installed`;
}

/** Delivers one message; fails when it was not accepted. */
type Deliver = (port: number, message: string, server: TestServer) => Promise<void>;

const octets = (text: string) => Buffer.from(text, 'latin1');

async function succeeds(program: string, args: readonly string[], input?: Buffer): Promise<void> {
  const { code, stdout, stderr } = await run(program, args, input === undefined ? {} : { input });
  assert.equal(code, 0, `${program} failed:\n${stdout}${stderr}`);
}

function messageFile({ dir }: TestServer, message: string): string {
  const file = join(dir, 'message');
  writeFileSync(file, message, 'latin1');
  return file;
}

const swaks: Deliver = (port, message, server) => {
  // It adds a line end to whatever it is given.
  const file = messageFile(server, message.replace(/\r\n$/, ''));
  const to = ['--server', `127.0.0.1:${port}`, '--from', SENDER, '--to', RECIPIENT];
  return succeeds('swaks', [...to, '--data', `@${file}`, '--silent', '2']);
};

const curl: Deliver = (port, message, server) => {
  const file = messageFile(server, message);
  const to = [`smtp://127.0.0.1:${port}/client.example`, '--mail-from', SENDER, '--mail-rcpt', RECIPIENT];
  return succeeds('curl', ['--silent', '--show-error', ...to, '--upload-file', file]);
};

const python: Deliver = (port, message) => {
  const program = `
import smtplib, sys
with smtplib.SMTP('127.0.0.1', ${port}) as client:
    refused = client.sendmail('${SENDER}', ['${RECIPIENT}'], sys.stdin.buffer.read())
sys.exit(len(refused))
`;
  return succeeds('python3', ['-c', program], octets(message));
};

const nodemailer: Deliver = async (port, message) => {
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
  const envelope = { from: SENDER, to: RECIPIENT };
  const { accepted } = await transport.sendMail({ envelope, raw: octets(message) });
  assert.deepEqual(accepted, [RECIPIENT]);
};

const raw: Deliver = async (port, message) => {
  const client = await greeted({ port });
  await client.openData(SENDER, RECIPIENT);
  const open = message !== '' && !message.endsWith('\r\n');
  const stuffed = message.replace(/(^|\n)\./g, '$1..');
  client.send(`${stuffed}${open ? '\r\n' : ''}.\r\n`);
  await client.expect(250);
  await client.command('QUIT', 221);
};

const trickled: Deliver = async (port, message) => {
  const client = await greeted({ port });
  await client.openData(SENDER, RECIPIENT);
  const open = message !== '' && !message.endsWith('\r\n');
  await client.trickle(`${message.replace(/(^|\n)\./g, '$1..')}${open ? '\r\n' : ''}.\r\n`);
  await client.expect(250);
  await client.command('QUIT', 221);
};

// swaks puts a line below a header that has none.
const { 'header and blank line only': _bare, ...withBody } = messages;
const small = (some: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(some).filter(([, message]) => message.length < 10_000));

const clients: readonly {
  readonly name: string;
  readonly program: string | null;
  readonly deliver: Deliver;
  readonly takes: Readonly<Record<string, string>>;
}[] = [
  { name: 'swaks', program: 'swaks', deliver: swaks, takes: withBody },
  { name: 'curl', program: 'curl', deliver: curl, takes: { ...messages, ...awkward } },
  { name: 'smtplib', program: 'python3', deliver: python, takes: { ...messages, ...awkward } },
  { name: 'nodemailer', program: null, deliver: nodemailer, takes: { ...messages, ...awkward } },
  { name: 'a raw client', program: null, deliver: raw, takes: { ...messages, ...awkward, ...barelyLines } },
  {
    name: 'a client that sends octet by octet',
    program: null,
    deliver: trickled,
    takes: small({ ...messages, ...awkward, ...barelyLines }),
  },
];

function startWithMaildir(config: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  return startServer({
    config: { plugins: ['rcpt_ok', 'queue/maildir @DIR@/Maildir'], rcpthosts: 'b.example', ...config },
  });
}

const newMessages = ({ dir }: TestServer) => filesIn(join(dir, 'Maildir', 'new'));

for (const { name, program, deliver, takes } of clients) {
  const skip = program === null ? false : await isMissing(program);
  test(`${name}: every message arrives once and whole`, { skip }, async (t) => {
    const server = await startWithMaildir({ size_threshold: '100000' });
    const known = new Set<string>();
    for (const [what, message] of Object.entries(takes)) {
      await t.test(what, async () => {
        await deliver(server.port, message, server);
        const fresh = newMessages(server).filter((content) => !known.has(digest(content)));
        for (const content of fresh) known.add(digest(content));
        assert.deepEqual(
          fresh.map((content) => digest(belowTrace(content) ?? 'no trace fields')),
          [digest(stored(message))],
        );
      });
    }
    assert.equal(newMessages(server).length, Object.keys(takes).length, 'none too many');
  });
}

describe('smtp-source', async () => {
  const skip = await isMissing('smtp-source');
  const count = Number(process.env['QPSMTPD_LOAD'] ?? 1000);
  const size = 3000;
  let server: TestServer;
  before(async () => {
    server = await startWithMaildir();
  });

  for (const [way, flags] of [
    ['a connection for each message', []],
    ['fifty connections that stay', ['-d']],
  ] as const) {
    test(`${count} messages over ${way}`, { skip }, async () => {
      const filed = newMessages(server).length;
      const load = ['-s', '50', '-m', String(count), '-l', String(size), ...flags];
      await succeeds('smtp-source', [...load, '-f', SENDER, '-t', RECIPIENT, `127.0.0.1:${server.port}`]);
      const contents = newMessages(server);
      assert.equal(contents.length - filed, count);
      const bodies = contents.map((content) => {
        const message = belowTrace(content) ?? '';
        return message.slice(message.indexOf('\n\n') + 2);
      });
      assert.deepEqual([...new Set(bodies)], [bodies[0]], 'all have the same body');
      assert.match(bodies[0] ?? '', /^1X+\n2X+\n(?:\d*X+\n)+$/);
      for (const content of contents) {
        assert.match(
          content,
          /\nFrom: <sender@a\.example>\nTo: <user@b\.example>\nDate: .*\nMessage-Id: <.*>\n\n/,
        );
      }
    });
  }
});
