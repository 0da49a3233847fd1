// queue/smtp-forward: what the answers of servers mean for the client, who is asked next, and the words on its line.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Verdict } from 'qpsmtpd';
import smtpForward from '../../../plugins/queue/smtp-forward.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { cleanUp } from '../../support/cleanup.ts';
import { type Mail, setUpQueue } from '../../support/queue-plugin.ts';
import { type Behaviour, type ScriptedPeer, startScriptedServer } from '../../support/scripted-server.ts';

const two = ['<a@b.example>', '<b@b.example>'];

async function serverOf(behaviour: Behaviour | ((peer: ScriptedPeer) => Promise<void>)) {
  const peers: ScriptedPeer[] = [];
  const server = await startScriptedServer((peer) => {
    peers.push(peer);
    return typeof behaviour === 'function' ? behaviour(peer) : peer.obey(behaviour);
  });
  return { port: server.port, peers, server };
}

const list = (...servers: readonly { readonly port: number }[]) =>
  servers.map(({ port }) => `127.0.0.1:${port}`).join(',');

/** A server that nobody runs. */
async function deadServer(): Promise<{ readonly port: number }> {
  const { port, server } = await serverOf({});
  await server.close();
  return { port };
}

async function forward(behaviour: Parameters<typeof serverOf>[0], mail: Mail = {}, words = '') {
  const { port, peers } = await serverOf(behaviour);
  const queue = setUpQueue(smtpForward, `127.0.0.1 ${port} ${words}`.trim());
  const delivery = await queue.deliver(mail);
  return { ...delivery, log: queue.log, peers, port };
}

/** Code, reply code and status as the client gets them, and the words. */
function show({ code, reply, status, text }: Verdict): string {
  const number = reply === undefined ? '' : ` ${reply.code}`;
  return `${code}${number} ${status ?? ''} ${text.join('/')}`.replaceAll('  ', ' ');
}

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-forward-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'file'), text);
  return join(folder, 'file');
}

describe('the answer to the client', () => {
  test('has the words of the server that took the message', async () => {
    const { verdict, log, port } = await forward({ replies: { '.': '250 2.0.0 Ok: queued as 4Z' } });
    assert.equal(show(verdict), 'OK queued: Ok: queued as 4Z');
    assert.deepEqual(log, [`info pass, 127.0.0.1:${port}: 250 2.0.0 Ok: queued as 4Z`]);
  });

  const refusals: readonly (readonly [behaviour: Behaviour, answer: string])[] = [
    [{ replies: { MAIL: '552 5.3.4 too big' } }, 'DENY 552 5.3.4 too big'],
    [{ replies: { MAIL: '451 4.7.1 later' } }, 'DENYSOFT 451 4.7.1 later'],
    [{ replies: { RCPT: '550 5.1.1 no such user' } }, 'DENY 550 5.1.1 no such user'],
    [
      { replies: { RCPT: '450-4.2.0 greylisted\n450 4.2.0 come again' } },
      'DENYSOFT 450 4.2.0 greylisted/come again',
    ],
    [{ replies: { RCPT: '550 no status' } }, 'DENY 550 5.0.0 no status'],
    [{ replies: { DATA: '554 5.5.1 no' } }, 'DENY 554 5.5.1 no'],
    [{ replies: { '.': '554 5.7.1 spam' } }, 'DENY 554 5.7.1 spam'],
    [{ replies: { '.': '452 4.3.1 full' } }, 'DENYSOFT 452 4.3.1 full'],
    [{ replies: { '.': '421 4.3.2 going' } }, 'DENYSOFT 451 4.3.2 going'],
  ];
  for (const [behaviour, answer] of refusals) {
    test(`is ${answer}`, async () => {
      const { verdict, log } = await forward(behaviour);
      assert.equal(show(verdict), answer);
      assert.match(log.join('\n'), /^notice fail, 127\.0\.0\.1:\d+: <user@example\.org> [45]\d\d /);
    });
  }

  test('has not more lines than a few', async () => {
    const { verdict } = await forward({ replies: { RCPT: `${'550-x\n'.repeat(50)}550 x` } });
    assert.equal(verdict.text.length, 10);
  });

  const troubles: readonly (readonly [behaviour: Behaviour, log: RegExp])[] = [
    [{ replies: { greeting: '554 5.7.1 not you' } }, /greeting: 554 5\.7\.1 not you/],
    [{ replies: { MAIL: '530 5.7.0 log in first' } }, /envelope: 530 5\.7\.0 log in first/],
    [{ replies: { MAIL: '421 4.3.2 going' } }, /envelope: 421 4\.3\.2 going/],
    [{ replies: { greeting: 'HTTP/1.1 400 Bad Request' } }, /no reply: "HTTP/],
  ];
  for (const [behaviour, expected] of troubles) {
    test(`is for now where the server has something against us: ${expected.source}`, async () => {
      const { verdict, log } = await forward(behaviour);
      assert.equal(show(verdict), 'DENYSOFT 4.4.1 the message cannot be handed on now, try again later');
      assert.match(log.join('\n'), expected);
      assert.match(log[0] ?? '', /^error error, 127\.0\.0\.1:\d+: /);
    });
  }

  test('is for now when the server is gone behind the message, which is not sent again', async () => {
    const lost = await serverOf(async (peer) => {
      await peer.obey({ replies: { '.': '250-' } }).catch(() => {});
    });
    const vanishing = await serverOf(async (peer) => {
      peer.say('220 hello');
      for (let line = ''; line !== 'DATA'; ) {
        line = await peer.line();
        peer.say(line === 'DATA' ? '354 go on' : '250 ok');
      }
      await peer.message();
      peer.reset();
    });
    assert.equal(lost.peers.length, 0);
    const spare = await serverOf({});
    const queue = setUpQueue(smtpForward, list(vanishing, spare));
    const { verdict } = await queue.deliver();
    assert.match(show(verdict), /^DENYSOFT 451 4\.4\.2 /);
    assert.equal(spare.peers.length, 0);
    assert.match(queue.log[0] ?? '', /^error error, .*: no answer to the message, which it may have taken: /);
  });
});

describe('several recipients', () => {
  const replies = { 'RCPT TO:<b': '550 5.1.1 no such user' };

  test('of whom one is refused: nothing is sent, and the refusal is the answer', async () => {
    for (const offers of [[], ['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
      const { verdict, answers, peers } = await forward({ offers, replies }, { recipients: two });
      assert.equal(show(verdict), 'DENY 550 5.1.1 no such user');
      assert.deepEqual(answers, [null, null]);
      assert.deepEqual(peers[0]?.messages, []);
    }
  });

  test('of whom one is refused, for a client that takes an answer for each', async () => {
    const { verdict, answers, peers } = await forward({ replies }, { recipients: two, answersEach: true });
    assert.equal(show(verdict), 'OK queued: queued');
    assert.deepEqual(
      answers.map((answer) => answer && show(answer)),
      ['OK queued: queued', 'DENY 550 5.1.1 no such user'],
    );
    assert.equal(peers[0]?.messages.length, 1);
  });

  test('who are all refused: one for good comes before one for now', async () => {
    const mixed = { 'RCPT TO:<a': '452 4.2.2 full', ...replies };
    const { verdict } = await forward({ replies: mixed }, { recipients: two });
    assert.equal(show(verdict), 'DENY 550 5.1.1 no such user');
    const each = await forward({ replies: mixed }, { recipients: two, answersEach: true });
    assert.deepEqual(
      each.answers.map((answer) => answer && show(answer)),
      ['DENYSOFT 452 4.2.2 full', 'DENY 550 5.1.1 no such user'],
    );
  });
});

describe('several servers', () => {
  test('the next is asked when one cannot be reached', async () => {
    const dead = await deadServer();
    const alive = await serverOf({});
    const queue = setUpQueue(smtpForward, list(dead, alive));
    assert.equal((await queue.deliver()).verdict.code, 'OK');
    assert.match(queue.log.join('\n'), /^error error, .* ECONNREFUSED .*\ninfo pass, /);
    // For a while the dead one comes last.
    assert.equal((await queue.deliver()).verdict.code, 'OK');
    assert.equal(queue.log.filter((line) => line.includes('ECONNREFUSED')).length, 1);
  });

  const forNow: readonly Behaviour[] = [
    { replies: { greeting: '421 4.3.2 full' } },
    { replies: { MAIL: '451 4.3.0 not now' } },
    { replies: { RCPT: '450 4.2.0 greylisted' } },
    { replies: { DATA: '451 4.3.0 not now' } },
    { replies: { '.': '452 4.3.1 disk full' } },
  ];
  for (const behaviour of forNow) {
    test(`the next is asked when one refuses for now: ${JSON.stringify(behaviour.replies)}`, async () => {
      const first = await serverOf(behaviour);
      const second = await serverOf({});
      const { verdict } = await setUpQueue(smtpForward, list(first, second)).deliver();
      assert.equal(verdict.code, 'OK');
      assert.equal(second.peers[0]?.messages.length, 1);
    });
  }

  test('the next is not asked when one refuses for good', async () => {
    const first = await serverOf({ replies: { RCPT: '550 5.1.1 no' } });
    const second = await serverOf({});
    const { verdict } = await setUpQueue(smtpForward, list(first, second)).deliver();
    assert.equal(show(verdict), 'DENY 550 5.1.1 no');
    assert.equal(second.peers.length, 0);
  });

  test('a refusal says more than that the last one cannot be reached', async () => {
    const first = await serverOf({ replies: { RCPT: '450 4.2.0 greylisted' } });
    const { verdict } = await setUpQueue(smtpForward, list(first, await deadServer())).deliver();
    assert.equal(show(verdict), 'DENYSOFT 450 4.2.0 greylisted');
  });

  test('nobody is asked for a client that has gone', async () => {
    const { port, peers } = await serverOf({});
    const queue = setUpQueue(smtpForward, `127.0.0.1 ${port}`);
    const { verdict } = await queue.deliver({ signal: AbortSignal.abort() });
    assert.equal(verdict.code, 'DENYSOFT');
    assert.equal(peers.length, 0);
  });
});

describe('what the server hears', () => {
  test('is the message as it came', async () => {
    const body = '.\r\n..\r\n\xff\0\rbare\r\n\r\nlast';
    for (const spooled of [false, true]) {
      for (const [offers, ending] of [
        [[], '\r\n.\r\n'],
        [['CHUNKING'], ''],
      ] as const) {
        const { peers } = await forward(
          { offers },
          { body: Buffer.from(body, 'latin1'), spooled, header: 'A: b\r\n' },
        );
        const text = `A: b\r\n\r\n${body}`;
        const sent = offers.length === 0 ? text.replaceAll('\n.', '\n..') : text;
        assert.equal(peers[0]?.messages.join(''), sent + ending);
      }
    }
  });

  test('is the client, by XCLIENT', async () => {
    const behaviour = { offers: ['XCLIENT NAME ADDR PORT HELO PROTO'], replies: { XCLIENT: '220 ok' } };
    const hear = async (connection: NonNullable<Mail['connection']>) => {
      const { peers } = await forward(behaviour, { connection }, 'xclient');
      return peers[0]?.commands.find((command) => command.startsWith('XCLIENT'));
    };
    assert.equal(
      await hear({}),
      'XCLIENT NAME=client.example ADDR=192.0.2.1 PORT=49152 HELO=helo.example PROTO=ESMTP',
    );
    assert.equal(
      await hear({ remoteHost: 'Unknown', remoteIp: '2001:db8::1', hello: { verb: 'helo', host: 'a b+ü' } }),
      'XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 PORT=49152 HELO=a+20b+2B+C3+BC PROTO=SMTP',
    );
  });

  test('that does not offer XCLIENT, is nothing', async () => {
    const { verdict, peers } = await forward({}, {}, 'xclient');
    assert.equal(verdict.code, 'DENYSOFT');
    assert.deepEqual(peers[0]?.messages, []);
  });

  test('is user and password of the file', async () => {
    const login = fileOf('me:pass:word\nnever read\n');
    const behaviour = { offers: ['AUTH PLAIN'], replies: { AUTH: '235 ok' } };
    const { verdict, peers, log } = await forward(behaviour, {}, `login ${login}`);
    assert.equal(verdict.code, 'OK');
    const [, word = ''] = /^AUTH PLAIN (.*)$/m.exec(peers[0]?.commands.join('\n') ?? '') ?? [];
    assert.equal(Buffer.from(word, 'base64').toString(), '\0me\0pass:word');
    assert.ok(!log.join().includes('pass:word'));
  });

  test('under TLS, which is checked against tls_name and tls_ca', async () => {
    const ca = makeCertificate('ca.example', { isCa: true });
    const { cert, key } = makeCertificate('mx.b.example', { issuer: ca });
    const behaviour = async (peer: ScriptedPeer) => {
      await peer.startTls({ cert, key });
      await peer.obey();
    };
    const words = `tls implicit tls_ca ${fileOf(ca.cert)}`;
    assert.equal((await forward(behaviour, {}, `${words} tls_name mx.b.example`)).verdict.code, 'OK');
    const other = await forward(behaviour, {}, words);
    assert.equal(other.verdict.code, 'DENYSOFT');
    assert.match(other.log.join(), /does not match certificate's altnames/);
    assert.equal((await forward(behaviour, {}, 'tls implicit tls_verify no')).verdict.code, 'OK');
  });
});

describe('its line', () => {
  for (const words of [
    '',
    'a.example 0',
    'a.example 25 xclient2',
    'a.example tls maybe',
    'a/b',
    'a.example,',
  ]) {
    test(`may not be "${words}"`, () => assert.throws(() => setUpQueue(smtpForward, words)));
  }
  test('may not name a login file without a login, or none at all', () => {
    const empty = fileOf('\n');
    assert.throws(() => setUpQueue(smtpForward, `a.example login ${empty}`), {
      message: /must be USER:PASSWORD/,
    });
    assert.throws(() => setUpQueue(smtpForward, `a.example login ${empty}-2`), {
      message: /ENOENT/,
    });
    // Reading a pipe would wait for its other end for ever.
    const device = { message: /\/dev\/null is not a plain file/ };
    for (const word of ['login', 'tls try tls_ca']) {
      assert.throws(() => setUpQueue(smtpForward, `a.example ${word} /dev/null`), device);
    }
    assert.throws(() => setUpQueue(smtpForward, `a.example tls require tls_ca ${empty}-2`), {
      message: /ENOENT/,
    });
  });
});
