// queue/smtp-forward from one of our servers to another: messages whole and once, refusals as they were given, TLS,
// logins, dead servers, and clients that leave.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { choosyLine, choosyPlugin } from '../support/choosy-plugin.ts';
import { delicateMessages, sendBy, sendTo, startForwarder } from '../support/forwarding-server.ts';
import { belowTrace, recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { type ScriptedPeer, startScriptedServer } from '../support/scripted-server.ts';
import { type ConfigFiles, startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';

function startFinal(
  config: ConfigFiles = {},
  files: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  return startServer({
    config: {
      plugins: [choosyLine, 'rcpt_ok', recordLine],
      rcpthosts: ['b.example'],
      // What a first server wrote is left as it is.
      'me-auth-results': 'none',
      extensions: ['DSN on', 'SMTPUTF8 on', 'BINARYMIME on'],
      loglevel: 'info',
      ...config,
    },
    files: { ...recordPlugin, ...choosyPlugin, ...files },
  });
}

const withLf = (text: string) => text.replaceAll('\r\n', '\n');
const bodiesOf = (server: TestServer) =>
  recordedMessages(server.dir).map(({ content }) => belowTrace(content));
const commandsOf = (server: TestServer, verb: string) =>
  [...server.stderr().matchAll(/ dispatching (.*)/g)].flatMap(([, line = '']) =>
    line.startsWith(verb) ? [line] : [],
  );

const messages = {
  ...delicateMessages,
  'bare CR and NUL': 'Subject: odd\r\n\r\na\rb\r\r\n\0\0\r\n\r\n',
  'a line of 100,000 octets': `Subject: line\r\n\r\n${'x'.repeat(100_000)}\r\n`,
  'no header': '\r\nonly a body\r\n',
  '5 MB with dots': `Subject: big\r\n\r\n${'.All work and no play makes a big message.\r\n'.repeat(120_000)}`,
};

for (const [way, extensions] of [
  ['BDAT', []],
  ['DATA', ['CHUNKING off', 'BINARYMIME off']],
] as const) {
  describe(`a message handed on by ${way}`, () => {
    let final: TestServer;
    let forwarder: TestServer;
    before(async () => {
      final = await startFinal({ extensions: ['DSN on', 'SMTPUTF8 on', ...extensions] });
      forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port}`);
    });

    for (const [what, message] of Object.entries(messages)) {
      test(`is what came in: ${what}`, async () => {
        await sendTo(forwarder, message, /^250 2\.0\.0 queued: recorded$/);
        assert.ok(
          bodiesOf(final).at(-1) === withLf(message),
          recordedMessages(final.dir).at(-1)?.content.slice(0, 2000) ?? 'nothing came',
        );
        assert.equal(recordedMessages(final.dir).at(-1)?.envelope, '<sender@a.example> <user@b.example>');
      });
    }

    test('is what came in by BDAT, without a line end at its end', async () => {
      const message = 'Subject: end\r\n\r\n.\r\nno line end';
      await sendTo(forwarder, message, 250, { by: 'BDAT' });
      assert.equal(bodiesOf(final).at(-1), withLf(way === 'BDAT' ? message : `${message}\r\n`));
    });

    test('went over one connection', () => {
      assert.ok(commandsOf(final, way).length >= 10);
      assert.equal(commandsOf(final, 'EHLO').length, 1);
    });
  });
}

describe('an envelope handed on', () => {
  test('has addresses, sizes and wishes as they came', async () => {
    const final = await startFinal();
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port}`);
    const octets = (text: string) => Buffer.from(text).toString('latin1');
    await sendTo(forwarder, 'Subject: a\r\n\r\nb\r\n', 250, {
      to: ['"a,b"@b.example', octets('grün@b.example')],
      mailParams: ' SMTPUTF8 RET=HDRS ENVID=id1',
      rcptParams: ' NOTIFY=NEVER',
    });
    assert.match(
      commandsOf(final, 'MAIL')[0] ?? '',
      /^MAIL FROM:<sender@a\.example> SIZE=\d+ SMTPUTF8 RET=HDRS ENVID=id1$/,
    );
    assert.deepEqual(
      commandsOf(final, 'RCPT').map((line) => line.replace(/gr.*n@/, 'grün@')),
      ['RCPT TO:<"a,b"@b.example> NOTIFY=NEVER', 'RCPT TO:<grün@b.example> NOTIFY=NEVER'],
    );
    assert.equal(
      recordedMessages(final.dir)[0]?.envelope,
      octets('<sender@a.example> <"a,b"@b.example> <grün@b.example>'),
    );
  });

  test('is refused where the next server cannot have what it needs', async () => {
    const final = await startFinal({ extensions: ['SMTPUTF8 off'] });
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port}`);
    const to = [Buffer.from('grün@b.example').toString('latin1')];
    await sendTo(forwarder, 'Subject: a\r\n\r\nb\r\n', /^55\d 5\.6\.7 /, { to, mailParams: ' SMTPUTF8' });
    assert.deepEqual(recordedMessages(final.dir), []);
  });

  test('names the client behind us', async () => {
    const final = await startFinal({ xclient_networks: '127.0.0.1' });
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port} xclient`, {
      config: { xclient_networks: '127.0.0.1' },
    });
    const client = await greeted(forwarder);
    await client.command('XCLIENT ADDR=198.51.100.7 NAME=c.example', 220);
    await client.command('EHLO inner.example', 250);
    for (let count = 0; count < 2; count++) await sendBy(client, 'Subject: a\r\n\r\nb\r\n', 250);
    const received = recordedMessages(final.dir).map(({ content }) => /^Received: .*$/m.exec(content)?.[0]);
    assert.equal(received.length, 2);
    for (const line of received) {
      assert.match(line ?? '', /^Received: from c\.example \(HELO inner\.example\) \(198\.51\.100\.7\)/);
    }
    assert.equal(commandsOf(final, 'XCLIENT').length, 1);
  });
});

describe('a refusal of the next server', () => {
  let final: TestServer;
  let forwarder: TestServer;
  before(async () => {
    final = await startFinal();
    forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port}`);
  });

  // Its code, its status, its words.
  const refusals: readonly (readonly [to: readonly string[], answer: RegExp])[] = [
    [['never-rcpt@b.example'], /^550 5\.7\.1 never rcpt$/],
    [['later-rcpt@b.example'], /^450 4\.7\.1 later rcpt$/],
    [['never-data@b.example'], /^552 5\.7\.1 never data$/],
    [['later-data@b.example'], /^452 4\.7\.1 later data$/],
    [['user@b.example', 'never-rcpt@b.example'], /^550 5\.7\.1 never rcpt$/],
  ];
  for (const [to, answer] of refusals) {
    test(`is the client's answer: ${to.join()}`, async () => {
      await sendTo(forwarder, delicateMessages['plain'] ?? '', answer, { to });
      assert.deepEqual(recordedMessages(final.dir), []);
      await forwarder.waitForLog(new RegExp(`fail, 127\\.0\\.0\\.1:${final.port}: <${to.at(-1)}> `));
    });
  }

  test('is for its recipient alone where the client takes an answer for each', async () => {
    const client = await greeted(forwarder);
    const to = ['user@b.example', 'never-rcpt@b.example', 'other@b.example'];
    await sendBy(client, delicateMessages['plain'] ?? '', 353, { to, mailParams: ' PRDR' });
    await client.expect(/^250 2\.0\.0 <user@b\.example> queued: recorded$/);
    await client.expect(/^550 5\.7\.1 <never-rcpt@b\.example> never rcpt$/);
    await client.expect(/^250 2\.0\.0 <other@b\.example> queued: recorded$/);
    await client.expect(/^250 2\.0\.0 queued: recorded$/);
    assert.deepEqual(
      recordedMessages(final.dir).map(({ envelope }) => envelope),
      ['<sender@a.example> <user@b.example> <other@b.example>'],
    );
  });
});

describe('TLS and logins', () => {
  const ca = makeCertificate('Test CA', { isCa: true });
  const mine = makeCertificate('mx.b.example', { issuer: ca });

  async function startBoth(words: string, login = 'mta@b.example:secret word') {
    const final = await startFinal(
      {
        plugins: ['tls @DIR@/cert.pem @DIR@/key.pem', 'auth/auth_flat_file', 'rcpt_ok', recordLine],
        rcpthosts: ['none.example'],
        flat_auth_pw: 'mta@b.example:secret word',
        tls_before_auth: '1',
      },
      { 'cert.pem': mine.cert, 'key.pem': mine.key },
    );
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port} ${words}`, {
      files: { 'ca.pem': ca.cert, login },
    });
    return { final, forwarder };
  }

  test('to a server that is who it should be', async () => {
    const words = 'tls require tls_ca @DIR@/ca.pem tls_name mx.b.example login @DIR@/login';
    const { final, forwarder } = await startBoth(words);
    await sendTo(forwarder, delicateMessages['plain'] ?? '', 250);
    const [recorded] = recordedMessages(final.dir);
    assert.match(recorded?.content ?? '', /\n\tby \S+ \(qpsmtpd\/\S+\) with ESMTPSA /);
    assert.doesNotMatch(forwarder.stderr() + final.stderr(), /secret word/);
  });

  test('to a server with another name: for now, and nothing is sent', async () => {
    const { final, forwarder } = await startBoth('tls require tls_ca @DIR@/ca.pem login @DIR@/login');
    await sendTo(
      forwarder,
      delicateMessages['plain'] ?? '',
      /^45\d 4\.4\.1 the message cannot be handed on now/,
    );
    await forwarder.waitForLog(/error, 127\.0\.0\.1:\d+: STARTTLS: .*does not match/);
    assert.deepEqual(recordedMessages(final.dir), []);
  });

  test('with a wrong password: for now, and nothing is sent', async () => {
    const words = 'tls require tls_verify no login @DIR@/login';
    const { final, forwarder } = await startBoth(words, 'mta@b.example:guess');
    await sendTo(
      forwarder,
      delicateMessages['plain'] ?? '',
      /^45\d 4\.4\.1 the message cannot be handed on now/,
    );
    await forwarder.waitForLog(/error, 127\.0\.0\.1:\d+: login: 535 /);
    assert.doesNotMatch(forwarder.stderr(), /guess/);
    assert.deepEqual(recordedMessages(final.dir), []);
  });
});

describe('many messages', () => {
  test('from many clients go over a few connections, none lost and none twice', async () => {
    const final = await startFinal();
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${final.port} connections 4`);
    const numbers = Array.from({ length: 200 }, (_, at) => `number ${at}`);
    const clients = await Promise.all(Array.from({ length: 20 }, () => greeted(forwarder)));
    await Promise.all(
      clients.map(async (client, nth) => {
        for (const [at, text] of numbers.entries()) {
          if (at % clients.length === nth) await sendBy(client, `Subject: many\r\n\r\n${text}\r\n`, 250);
        }
      }),
    );
    const got = bodiesOf(final).map((body) => body?.split('\n')[2]);
    assert.deepEqual(got.sort(), numbers.sort());
    assert.ok(commandsOf(final, 'EHLO').length <= 8, 'connections are used again');
  });
});

describe('several servers', () => {
  test('the first one is dead, and comes back', async () => {
    const first = await startFinal();
    const second = await startFinal();
    const { port } = first;
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1:${port},127.0.0.1:${second.port}`);
    await sendTo(forwarder, delicateMessages['plain'] ?? '', 250);
    await first.kill();
    for (let count = 0; count < 3; count++) await sendTo(forwarder, delicateMessages['plain'] ?? '', 250);
    assert.equal(recordedMessages(first.dir).length, 1);
    assert.equal(recordedMessages(second.dir).length, 3);
    const told = new RegExp(`error, 127\\.0\\.0\\.1:${port}: `, 'g');
    await forwarder.waitForLog(told);
    assert.equal(forwarder.stderr().match(told)?.length, 1);
  });

  test('all of them are dead: for now', async () => {
    const final = await startFinal();
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1,127.0.0.2 ${final.port}`);
    await final.kill();
    await sendTo(forwarder, delicateMessages['plain'] ?? '', /^45\d 4\.4\.1 /);
  });
});

describe('a server that dies or hangs', () => {
  type Script = (peer: ScriptedPeer) => Promise<void>;

  async function envelope(peer: ScriptedPeer): Promise<void> {
    peer.say('220 scripted.example');
    for (let line = ''; line !== 'DATA'; ) {
      line = await peer.line();
      peer.say(line === 'DATA' ? '354 go on' : '250 ok');
    }
  }

  async function send(script: Script, message: string, answer: RegExp): Promise<TestServer> {
    const server = await startScriptedServer(script);
    const words = 'command_timeout 1 data_timeout 1 connect_timeout 1';
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${server.port} ${words}`);
    await sendTo(forwarder, message, answer);
    assert.equal(server.connections, 1);
    return forwarder;
  }

  const big = messages['5 MB with dots'];

  test('in the middle of a message', async () => {
    const script: Script = async (peer) => {
      await envelope(peer);
      await peer.octets(100_000);
      peer.reset();
    };
    await send(script, big, /^45\d 4\.4\.1 the message cannot be handed on now/);
  });

  test('behind the message', async () => {
    const script: Script = async (peer) => {
      await envelope(peer);
      await peer.message();
      peer.reset();
    };
    const forwarder = await send(script, delicateMessages['plain'] ?? '', /^45\d 4\.4\.2 /);
    await forwarder.waitForLog(/error, .*: no answer to the message, which it may have taken/);
  });

  test('for ever', async () => {
    for (const script of [
      (peer: ScriptedPeer) => peer.gone(),
      async (peer: ScriptedPeer) => {
        await envelope(peer);
        peer.pause();
        await new Promise(() => {});
      },
    ]) {
      const forwarder = await send(script, big, /^45\d 4\.4\.1 the message cannot be handed on now/);
      await forwarder.waitForLog(/no answer within 1 s|has read nothing for 1 s/);
    }
  });

  test('refuses in the middle of a message', async () => {
    const script: Script = async (peer) => {
      await envelope(peer);
      await peer.octets(100_000);
      peer.say('552 5.3.4 too big for me');
      await peer.gone();
    };
    await send(script, big, /^552 5\.3\.4 too big for me$/);
  });
});

describe('a client that leaves', () => {
  test('before its message was sent on: it never is', async () => {
    const asked = Promise.withResolvers<void>();
    const server = await startScriptedServer(async (peer) => {
      peer.say('220 scripted.example');
      await peer.line();
      peer.say('250 scripted.example');
      assert.match(await peer.line(), /^MAIL/);
      asked.resolve();
      await peer.gone();
      assert.deepEqual(peer.messages, []);
    });
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${server.port}`);
    const client = await greeted(forwarder);
    await client.openData('sender@a.example', 'user@b.example');
    client.send('Subject: a\r\n\r\nb\r\n.\r\n');
    await asked.promise;
    client.reset();
    await server.finished();
    await forwarder.waitForLog(/error, 127\.0\.0\.1:\d+: the connection is closed/);
  });

  test('behind its message: what became of it stands in the log', async () => {
    const sent = Promise.withResolvers<ScriptedPeer>();
    const server = await startScriptedServer(async (peer) => {
      peer.say('220 scripted.example');
      for (let line = ''; line !== 'DATA'; ) {
        line = await peer.line();
        peer.say(line === 'DATA' ? '354 go on' : '250 ok');
      }
      await peer.message();
      sent.resolve(peer);
      await peer.gone();
    });
    const forwarder = await startForwarder(`queue/smtp-forward 127.0.0.1 ${server.port}`);
    const client = await greeted(forwarder);
    await client.openData('sender@a.example', 'user@b.example');
    client.send('Subject: a\r\n\r\nb\r\n.\r\n');
    const peer = await sent.promise;
    client.reset();
    peer.say('250 2.0.0 taken all the same');
    await forwarder.waitForLog(/pass, 127\.0\.0\.1:\d+: 250 2\.0\.0 taken all the same/);
    assert.equal(server.connections, 1);
  });
});
