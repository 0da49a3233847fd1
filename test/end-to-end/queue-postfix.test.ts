// Messages through the server to a private Postfix, by its cleanup and by its qmqpd: what Postfix has in its queues is what
// came, and what it has refused, or died over, is nowhere.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { until } from '../support/other-mta.ts';
import { whyNoPostfix } from '../support/postfix.ts';
import {
  type KeptMail,
  MOST_OCTETS,
  type PostfixInbox,
  startPostfixInbox,
} from '../support/postfix-inbox.ts';
import { signalAll } from '../support/processes.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted, type SmtpDialog } from '../support/smtp-dialog.ts';

const FIELDS = 'From: a@b\r\nDate: Sun, 22 Nov 2026 20:00:00 +0000\r\n';
const AT_ONCE = 20;

interface Way {
  readonly name: string;
  line(inbox: PostfixInbox): string;
  /** of Postfix, which takes the messages */
  readonly service: string;
  /** what Postfix puts on top itself */
  readonly top: RegExp;
}

const ways: readonly Way[] = [
  {
    name: 'queue/postfix-queue',
    line: ({ socket }) => `queue/postfix-queue ${socket} FLAG_MASK_EXTERNAL`,
    service: 'cleanup',
    top: /^(?:Authentication-Results|Received): [^\n]*mx\.b\.example/m,
  },
  {
    name: 'queue/qmqp',
    line: ({ qmqpPort }) => `queue/qmqp 127.0.0.1:${qmqpPort}`,
    service: 'qmqpd',
    top: /^Received: from localhost .*\n\tby postfix\.example \(Postfix\) with QMQP/,
  },
];

const start = (line: string, config: Readonly<Record<string, string>> = {}) =>
  startServer({
    config: {
      plugins: ['rcpt_ok', line],
      rcpthosts: 'b.example\nxn--bcher-kva.example',
      me: 'mx.b.example',
      databytes: '0',
      loglevel: 'debug',
      ...config,
    },
  });

interface Mail {
  readonly id: string;
  readonly fields?: string;
  readonly body?: string;
  readonly from?: string;
  readonly to?: readonly string[];
}

/** Envelope and message; the reply is still to come. */
async function submit(server: TestServer, mail: Mail): Promise<SmtpDialog> {
  const { id, fields = '', body = 'text\r\n', from = '<sender@a.example>', to = ['<user@b.example>'] } = mail;
  const client = await greeted(server, 'helo.example');
  await client.command(`MAIL FROM:${from}`, 250);
  for (const each of to) await client.command(`RCPT TO:${each}`, 250);
  await client.command('DATA', 354);
  client.send(`Message-Id: <${id}>\r\n${FIELDS}${fields}\r\n${body.replace(/^\./gm, '..')}.\r\n`);
  return client;
}

async function send(server: TestServer, reply: number | RegExp, mail: Mail): Promise<string> {
  return (await submit(server, mail)).expect(reply);
}

for (const { name, line, service, top } of ways) {
  describe(`${name} with Postfix`, { skip: await whyNoPostfix() }, () => {
    let inbox: PostfixInbox;
    let server: TestServer;
    before(async () => {
      inbox = await startPostfixInbox();
      server = await start(line(inbox));
    });
    const keptAs = async (id: string): Promise<readonly KeptMail[]> =>
      (await inbox.kept()).filter(({ message }) => message.includes(`Message-Id: <${id}>\n`));
    const bodyOf = ({ message }: KeptMail) => message.slice(message.indexOf('\n\n') + 2);

    test('puts messages into the queue whole, under the id that the client hears', async () => {
      const body = `.\r\n..\r\nFrom x\r\n\xff\xfe\0\x80\r\n\r\n${'y'.repeat(900)}\r\n \r\n`;
      const reply = await send(server, /^250 2\.0\.0 queued(?: as|: Ok: queued as) \w+$/, {
        id: 'whole',
        body,
      });
      const [kept, ...others] = await keptAs('whole');
      assert.ok(kept && others.length === 0);
      assert.ok(reply.endsWith(` ${kept.id}`));
      assert.match(kept.message, top);
      assert.match(kept.message, /^Received: from client\.example|^Received: from [^\n]*helo\.example/m);
      assert.equal(bodyOf(kept), body.replaceAll('\r\n', '\n'));
      assert.deepEqual([kept.sender, kept.recipients], ['sender@a.example', ['user@b.example']]);
    });

    test('puts a big message into the queue whole', async () => {
      const body = `${'0123456789'.repeat(7)}\r\n`.repeat(12_000);
      await send(server, 250, { id: 'big', body });
      const [kept] = await keptAs('big');
      assert.ok(kept && bodyOf(kept) === body.replaceAll('\r\n', '\n'));
    });

    test('gives addresses as they are: Postfix puts the quotes back', async () => {
      const to = [
        '"a,b"',
        '"two words"',
        '"a@b"',
        '"quo\\"te"',
        '"back\\\\slash"',
        '".."',
        '"> R T:<x"',
        "it's#1",
      ];
      const paths = to.map((local) => `<${local}@b.example>`);
      await send(server, 250, { id: 'quotes', from: '<"s,s"@a.example>', to: paths });
      const [kept] = await keptAs('quotes');
      assert.equal(kept?.sender, '"s,s"@a.example');
      assert.deepEqual([...kept.recipients].sort(), to.map((local) => `${local}@b.example`).sort());
    });

    test('hands on bounces, and addresses in UTF-8 (RFC 6531)', async () => {
      await send(server, 250, { id: 'bounce', from: '<>' });
      assert.equal((await keptAs('bounce'))[0]?.sender, 'MAILER-DAEMON');
      const utf8 = (text: string) => Buffer.from(text).toString('latin1');
      const to = [utf8('<grün@bücher.example>')];
      await send(server, 250, { id: 'utf8', from: '<sender@a.example> SMTPUTF8', to });
      const [kept] = await keptAs('utf8');
      assert.deepEqual(kept?.recipients, [utf8('grün@bücher.example')]);
    });

    test('answers what Postfix says, and nothing is queued', async () => {
      const had = (await inbox.kept()).length;
      const big = `${'x'.repeat(78)}\r\n`.repeat(MOST_OCTETS / 79);
      await send(server, /^552 5\.7\.9 go away$/, { id: 'no', fields: 'X-Refuse: 5.7.9 go away\r\n' });
      await send(server, /^452 4\.7\.9 later$/, { id: 'no', fields: 'X-Refuse: 4.7.9 later\r\n' });
      await send(server, /^552 5\.7\.1 spam$/, { id: 'no', fields: 'X-Refuse: spam\r\n' });
      await send(server, /^552 5\.\d\.\d /, { id: 'no', fields: 'Received: x\r\n'.repeat(60) });
      await send(server, /^552 5\.3\.\d .*(?:too big|exceeds)/, { id: 'no', body: big });
      assert.equal((await inbox.kept()).length, had);
    });

    test(`queues ${AT_ONCE} at once, each one once`, async () => {
      const ids = Array.from({ length: AT_ONCE }, (_, at) => `crowd-${at}`);
      await Promise.all(ids.map((id) => send(server, 250, { id })));
      const kept = await inbox.kept();
      for (const id of ids) {
        assert.equal(kept.filter(({ message }) => message.includes(`Message-Id: <${id}>\n`)).length, 1);
      }
    });

    test(`a ${service} that is killed in the middle of the message has not taken it`, async () => {
      const body = `${'x'.repeat(78)}\r\n`.repeat((MOST_OCTETS * 0.9) / 80);
      let reply = '';
      // Where Postfix is too quick for us, the message is in its queue.
      for (let trial = 0; !reply.startsWith('452') && trial < 20; trial++) {
        const id = `killed-${trial}`;
        const client = await submit(server, { id, body });
        await until(() => inbox.arriving() > 0 || client.received !== '', inbox.log);
        signalAll(inbox.running(service), 'SIGKILL');
        reply = await client.expect(
          /^(?:250 2\.0\.0 queued|452 4\.4\.1 the message cannot be handed on now)/,
        );
        assert.equal((await keptAs(id)).length, reply.startsWith('250') ? 1 : 0, reply);
      }
      assert.ok(reply.startsWith('452'), reply);
      await until(
        async () => (await (await submit(server, { id: 'again' })).expect(/^(?:250|452) /)).startsWith('250'),
        inbox.log,
      );
      assert.equal((await keptAs('again')).length, 1);
    });
  });
}

describe('queue/postfix-queue with Postfix', { skip: await whyNoPostfix() }, () => {
  let inbox: PostfixInbox;
  before(async () => {
    inbox = await startPostfixInbox();
  });

  test('tells Postfix of the client, and what it wants to hear of (RFC 3461)', async () => {
    const server = await start(`queue/postfix-queue ${inbox.socket}`, { extensions: 'DSN on' });
    await send(server, 250, {
      id: 'facts',
      from: '<sender@a.example> RET=HDRS ENVID=id+2B1 BODY=8BITMIME',
      to: ['<user@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old@b.example'],
    });
    const [kept] = await inbox.kept();
    for (const line of [
      'envelope_id=id+1',
      'ret_flags=2',
      'encoding=8bit',
      'log_client_address=127.0.0.1',
      'log_helo_name=helo.example',
      'client_address_type=2',
      'notify_flags=10',
      'dsn_orig_rcpt=rfc822;old@b.example',
    ]) {
      assert.ok(kept?.records.includes(`named_attribute: ${line}\n`), `${line}\n${kept?.records}`);
    }
  });

  test('flags do what they are for: hold, filters', async () => {
    const held = await start(`queue/postfix-queue ${inbox.socket} FLAG_HOLD`);
    await send(held, 250, { id: 'held', fields: 'X-Refuse: without FLAG_FILTER nobody looks\r\n' });
    const kept = (await inbox.kept()).find(({ message }) => message.includes('Message-Id: <held>'));
    assert.equal(kept?.queue, 'hold');
    const discarded = await start(`queue/postfix-queue ${inbox.socket} FLAG_DISCARD`);
    const had = (await inbox.kept()).length;
    await send(discarded, 250, { id: 'discarded' });
    assert.equal((await inbox.kept()).length, had);
  });

  test('the file cleanup_sockets counts at once', async () => {
    const server = await start('queue/postfix-queue /nowhere/cleanup', {
      cleanup_sockets: `/nowhere/else\n${inbox.socket}`,
    });
    await send(server, 250, { id: 'listed' });
    await server.waitForLog(/error, \/nowhere\/else: connect ENOENT/);
  });
});
