// The SMTP client with servers that do what they should: what it says to whom, and what it makes of their answers.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ClientSettings } from '../../src/net/outgoing-message.ts';
import { cleanUp } from '../support/cleanup.ts';
import {
  type Behaviour,
  type ScriptedPeer,
  type ScriptedServer,
  startScriptedServer,
} from '../support/scripted-server.ts';
import { CONTENT, codes, inPieces, type Mail, mail, open, settings } from './outgoing.ts';

interface Talk {
  readonly server: ScriptedServer;
  /** of the last connection */
  peer(): ScriptedPeer;
}

async function talkTo(
  behaviour: Behaviour,
  where?: Parameters<typeof startScriptedServer>[1],
): Promise<Talk> {
  const peers: ScriptedPeer[] = [];
  const server = await startScriptedServer((peer) => {
    peers.push(peer);
    return peer.obey(behaviour);
  }, where);
  const peer = () => {
    const last = peers.at(-1);
    assert.ok(last, 'a connection');
    return last;
  };
  return { server, peer };
}

/** Hands one message over and gives what the server saw of it. */
async function deliver(behaviour: Behaviour, given: Mail = {}, more: Partial<ClientSettings> = {}) {
  const { server, peer } = await talkTo(behaviour);
  const client = await open(settings(server, more));
  const handover = await client.deliver(mail(given));
  const { isUsable } = client;
  await client.quit();
  await server.finished();
  const { commands, messages, reads } = peer();
  return { handover, isUsable, commands, messages, reads };
}

const LMTP = { protocol: 'lmtp' } as const;
const three = ['<a@b.example>', '<b@b.example>', '<c@b.example>'];

describe('a message', () => {
  test('goes command by command to a server that offers nothing', async () => {
    const { handover, commands, messages, reads, isUsable } = await deliver({});
    assert.deepEqual(commands, [
      'EHLO me.example',
      'MAIL FROM:<sender@a.example>',
      'RCPT TO:<user@b.example>',
      'DATA',
      'QUIT',
    ]);
    assert.deepEqual(messages, [`${CONTENT}.\r\n`]);
    assert.deepEqual(codes(handover.answers), [250]);
    assert.deepEqual(handover.answers[0]?.lines, ['queued']);
    assert.ok(handover.isSent && handover.failure === null && isUsable);
    assert.equal(reads.length, 6);
  });

  test('with PIPELINING its envelope and DATA are one write, and its content is another', async () => {
    const { commands, reads, handover } = await deliver({ offers: ['PIPELINING'] });
    assert.deepEqual(reads.slice(1), [
      'MAIL FROM:<sender@a.example>\r\nRCPT TO:<user@b.example>\r\nDATA\r\n',
      `${CONTENT}.\r\n`,
      'QUIT\r\n',
    ]);
    assert.equal(commands.length, 5);
    assert.deepEqual(codes(handover.answers), [250]);
  });

  test('with CHUNKING it goes by BDAT as it is', async () => {
    const content = 'Subject: a\r\n\r\n.\r\n..\r\n\r.\rno line end';
    const { reads, messages, handover } = await deliver({ offers: ['PIPELINING', 'CHUNKING'] }, { content });
    assert.deepEqual(messages, [content]);
    assert.equal(reads[2], `BDAT ${content.length} LAST\r\n${content}`);
    assert.deepEqual(codes(handover.answers), [250]);
  });

  test('from a file it goes in pieces, dots stuffed across their edges', async () => {
    const pieces = ['Subject: a\r\n\r\n', '.\r', '\n.', '.\r\n', 'x'.repeat(300_000), '\r\n.', '\r\n'];
    const { messages } = await deliver({ offers: ['PIPELINING'] }, { content: inPieces(pieces) });
    const stuffed = `Subject: a\r\n\r\n..\r\n...\r\n${'x'.repeat(300_000)}\r\n..\r\n.\r\n`;
    assert.ok(messages[0] === stuffed, 'the message is what was sent');
  });

  test('from a file it goes by several BDAT', async () => {
    const pieces = Array.from({ length: 10 }, (_, at) => String(at).repeat(100_000));
    const { messages, commands, handover } = await deliver(
      { offers: ['CHUNKING'] },
      { content: inPieces(pieces) },
    );
    assert.ok(messages.join('') === pieces.join(''));
    const bdats = commands.filter((command) => command.startsWith('BDAT'));
    assert.ok(bdats.length > 2, bdats.join());
    assert.match(bdats.at(-1) ?? '', /^BDAT \d+ LAST$/);
    assert.deepEqual(codes(handover.answers), [250]);
  });

  test('may be empty, by DATA and by BDAT', async () => {
    assert.deepEqual((await deliver({}, { content: '' })).messages, ['.\r\n']);
    assert.deepEqual((await deliver({ offers: ['CHUNKING'] }, { content: '' })).messages, ['']);
    assert.deepEqual((await deliver({ offers: ['CHUNKING'] }, { content: inPieces([]) })).messages, ['']);
  });

  test('with a lone dot between bare CRs goes by BDAT alone', async () => {
    const content = 'a\r.\r\nMAIL FROM:<forged@a.example>\r\n';
    for (const one of [content, inPieces([content])]) {
      const { handover, messages, isUsable } = await deliver({ offers: ['PIPELINING'] }, { content: one });
      assert.deepEqual(codes(handover.answers), [554]);
      assert.deepEqual([handover.isSent, isUsable, messages], [false, false, []]);
    }
    assert.deepEqual((await deliver({ offers: ['CHUNKING'] }, { content })).messages, [content]);
  });

  test('follows another on the same connection', async () => {
    const { server, peer } = await talkTo({ offers: ['PIPELINING'] });
    const client = await open(settings(server));
    for (let count = 0; count < 3; count++)
      assert.deepEqual(codes((await client.deliver(mail())).answers), [250]);
    await client.quit();
    await server.finished();
    assert.equal(server.connections, 1);
    assert.equal(peer().messages.length, 3);
    assert.equal(peer().commands.filter((command) => command.startsWith('EHLO')).length, 1);
  });
});

describe('the envelope', () => {
  const mailOf = async (offers: readonly string[], given: Mail = {}) =>
    (await deliver({ offers }, given)).commands;

  test('has SIZE where it is offered', async () => {
    const [, first] = await mailOf(['SIZE 1000000']);
    assert.equal(first, `MAIL FROM:<sender@a.example> SIZE=${CONTENT.length}`);
  });

  test('has BODY=8BITMIME where it is offered and the content or its client has it so', async () => {
    const eightBit = 'Subject: a\r\n\r\n\xe4\r\n';
    const cases: readonly (readonly [Mail, string])[] = [
      [{}, ''],
      [{ params: { BODY: '7bit' } }, ''],
      [{ params: { BODY: '8bitMIME' } }, ' BODY=8BITMIME'],
      [{ content: eightBit }, ' BODY=8BITMIME'],
      [{ content: eightBit, params: { BODY: '7BIT' } }, ' BODY=8BITMIME'],
      [{ content: inPieces([CONTENT]) }, ' BODY=8BITMIME'],
    ];
    for (const [given, body] of cases) {
      assert.equal((await mailOf(['8BITMIME'], given))[1], `MAIL FROM:<sender@a.example>${body}`);
      assert.equal((await mailOf([], given))[1], 'MAIL FROM:<sender@a.example>');
    }
  });

  test('has the wishes for delivery reports where DSN is offered', async () => {
    const given: Mail = {
      params: { RET: 'HDRS', ENVID: 'id+201' },
      rcptParams: { NOTIFY: 'SUCCESS,FAILURE', ORCPT: 'rfc822;user+2Ba@b.example' },
    };
    const [, first, second] = await mailOf(['DSN'], given);
    assert.equal(first, 'MAIL FROM:<sender@a.example> RET=HDRS ENVID=id+201');
    assert.equal(second, 'RCPT TO:<user@b.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;user+2Ba@b.example');
    const [, bare, bareRcpt] = await mailOf([], given);
    assert.deepEqual([bare, bareRcpt], ['MAIL FROM:<sender@a.example>', 'RCPT TO:<user@b.example>']);
  });

  test('has SMTPUTF8 and addresses in UTF-8 where that is offered', async () => {
    const given: Mail = {
      sender: '<ä@ü.example>',
      recipients: ['<ö@b.example>'],
      params: { SMTPUTF8: true },
      rcptParams: { ORCPT: 'utf-8;ö@b.example' },
      needsUtf8: true,
    };
    const octets = (text: string) => Buffer.from(text).toString('latin1');
    const [, first, second] = await mailOf(['SMTPUTF8', '8BITMIME', 'DSN'], given);
    assert.equal(first, octets('MAIL FROM:<ä@ü.example> SMTPUTF8'));
    assert.equal(second, octets('RCPT TO:<ö@b.example> ORCPT=utf-8;ö@b.example'));
  });

  test('without SMTPUTF8 has domains as the DNS has them, and ORCPT in ASCII', async () => {
    const given: Mail = {
      sender: '<a@ü.example>',
      params: { SMTPUTF8: true },
      rcptParams: { ORCPT: 'utf-8;\u{1f600}ö@b.example' },
    };
    const [, first, second] = await mailOf(['DSN'], given);
    assert.equal(first, 'MAIL FROM:<a@xn--tda.example>');
    assert.equal(second, 'RCPT TO:<user@b.example> ORCPT=utf-8;\\x{1F600}\\x{F6}@b.example');
  });

  test('has a priority where it is offered', async () => {
    const given: Mail = { params: { 'MT-PRIORITY': '3' } };
    assert.equal(
      (await mailOf(['MT-PRIORITY MIXER'], given))[1],
      'MAIL FROM:<sender@a.example> MT-PRIORITY=3',
    );
    assert.equal((await mailOf([], given))[1], 'MAIL FROM:<sender@a.example>');
  });

  test('quotes what has to be quoted, and has the null sender', async () => {
    const [, first, second] = await mailOf([], { sender: '<>', recipients: ['<"a,\\"b"@b.example>'] });
    assert.deepEqual([first, second], ['MAIL FROM:<>', 'RCPT TO:<"a,\\"b"@b.example>']);
  });

  test('of a binary message says so, and the message goes as it came', async () => {
    const content = 'Subject: a\n\nbare\nLF\0';
    const { commands, messages } = await deliver(
      { offers: ['BINARYMIME', 'CHUNKING'] },
      { content, params: { BODY: 'BINARYMIME' } },
    );
    assert.equal(commands[1], 'MAIL FROM:<sender@a.example> BODY=BINARYMIME');
    assert.deepEqual(messages, [content]);
  });

  const lacks: readonly (readonly [what: string, given: Mail, offers: readonly string[], answer: string])[] =
    [
      ['SMTPUTF8', { needsUtf8: true, params: { SMTPUTF8: true } }, ['8BITMIME'], '553 5.6.7'],
      ['BINARYMIME', { params: { BODY: 'BINARYMIME' } }, ['CHUNKING'], '554 5.6.1'],
      ['CHUNKING', { params: { BODY: 'BINARYMIME' } }, ['BINARYMIME'], '554 5.6.1'],
      ['REQUIRETLS under TLS', { params: { REQUIRETLS: true } }, ['REQUIRETLS'], '550 5.7.30'],
    ];
  for (const [what, given, offers, answer] of lacks) {
    test(`is not sent where the message needs ${what}`, async () => {
      const { handover, commands, isUsable } = await deliver({ offers }, { ...given, recipients: three });
      const said = handover.answers.map(({ code, status }) => `${code} ${status}`);
      assert.deepEqual(said, [answer, answer, answer]);
      assert.deepEqual(commands, ['EHLO me.example', 'QUIT']);
      assert.ok(!handover.isSent && isUsable);
    });
  }
});

describe('refusals', () => {
  const ways: readonly (readonly [how: string, offers: readonly string[]])[] = [
    ['without PIPELINING', []],
    ['with PIPELINING', ['PIPELINING']],
    ['with CHUNKING', ['PIPELINING', 'CHUNKING']],
  ];
  for (const [how, offers] of ways) {
    test(`of the sender are everybody's answer, and the connection is kept, ${how}`, async () => {
      const replies = { MAIL: '552 5.3.4 too big', DATA: '503 5.5.1 no', RCPT: '503 5.5.1 no' };
      const { handover, isUsable, messages, commands } = await deliver(
        { offers, replies },
        { recipients: three },
      );
      assert.deepEqual(codes(handover.answers), [552, 552, 552]);
      assert.ok(!handover.isSent && isUsable);
      assert.deepEqual(messages, []);
      assert.ok(commands.includes('RSET'));
      if (offers.length === 0) assert.ok(!commands.some((command) => command.startsWith('RCPT')));
    });

    test(`of all recipients are their answers, ${how}`, async () => {
      const replies = { 'RCPT TO:<a': '550 5.1.1 a', 'RCPT TO:<b': '452 4.2.2 b', DATA: '554 5.5.1 no' };
      const recipients = ['<a@b.example>', '<b@b.example>'];
      for (const allOrNone of [true, false]) {
        const { handover, isUsable, messages } = await deliver(
          { offers, replies },
          { recipients, allOrNone },
        );
        assert.deepEqual(codes(handover.answers), [550, 452]);
        assert.ok(!handover.isSent && isUsable);
        assert.deepEqual(messages, []);
      }
    });

    test(`of one recipient keep the message from being sent where it is all or none, ${how}`, async () => {
      const replies = { 'RCPT TO:<b': '550 5.1.1 b' };
      const { handover, isUsable, messages } = await deliver({ offers, replies }, { recipients: three });
      assert.deepEqual(codes(handover.answers), [250, 550, 250]);
      assert.ok(!handover.isSent && isUsable);
      assert.deepEqual(messages, []);
    });

    test(`of one recipient are its answer where each has its own, ${how}`, async () => {
      const replies = { 'RCPT TO:<b': '550 5.1.1 b', '.': '250 queued' };
      const { handover, messages } = await deliver(
        { offers, replies },
        { recipients: three, allOrNone: false },
      );
      assert.deepEqual(codes(handover.answers), [250, 550, 250]);
      assert.ok(handover.isSent);
      assert.equal(messages.length, 1);
    });

    test(`of the message are everybody's answer, ${how}`, async () => {
      const replies = { '.': '554 5.7.1 spam', BDAT: '554 5.7.1 spam' };
      const { handover, isUsable, commands } = await deliver({ offers, replies }, { recipients: three });
      assert.deepEqual(codes(handover.answers), [554, 554, 554]);
      assert.ok(handover.isSent && handover.failure === null && isUsable);
      assert.equal(commands.at(-2), 'RSET');
    });
  }

  test('of DATA are the answer of the recipients that were taken', async () => {
    const replies = { 'RCPT TO:<b': '550 5.1.1 b', DATA: '451 4.3.0 no' };
    for (const offers of [[], ['PIPELINING']]) {
      const { handover, isUsable } = await deliver(
        { offers, replies },
        { recipients: three, allOrNone: false },
      );
      assert.deepEqual(codes(handover.answers), [451, 550, 451]);
      assert.ok(!handover.isSent && isUsable);
    }
  });

  test('that come with a 354 all the same end the connection: no empty message is sent', async () => {
    const { server, peer } = await talkTo({ offers: ['PIPELINING'], replies: { RCPT: '550 5.1.1 no' } });
    const client = await open(settings(server));
    const { answers } = await client.deliver(mail());
    assert.deepEqual(codes(answers), [550]);
    assert.ok(!client.isUsable);
    await peer().gone();
    assert.deepEqual(peer().messages, []);
  });

  test('of a chunk end the message', async () => {
    const pieces = Array.from({ length: 10 }, () => 'x'.repeat(100_000));
    const { handover, isUsable, commands } = await deliver(
      { offers: ['CHUNKING'], replies: { BDAT: '552 5.3.4 too big' } },
      { content: inPieces(pieces), recipients: three },
    );
    assert.deepEqual(codes(handover.answers), [552, 552, 552]);
    assert.ok(!handover.isSent && isUsable);
    assert.equal(commands.filter((command) => command.startsWith('BDAT')).length, 1);
  });
});

describe('LMTP', () => {
  test('is greeted by LHLO and gives an answer for each taken recipient', async () => {
    const replies = { 'RCPT TO:<b': '550 5.1.1 b', '.': '250 2.0.0 a\n452 4.2.2 c is full' };
    for (const offers of [[], ['PIPELINING']]) {
      const { handover, commands, isUsable } = await deliver(
        { offers, replies },
        { recipients: three, allOrNone: false },
        LMTP,
      );
      assert.equal(commands[0], 'LHLO me.example');
      assert.deepEqual(codes(handover.answers), [250, 550, 452]);
      assert.deepEqual(handover.answers[2]?.lines, ['c is full']);
      assert.ok(handover.isSent && isUsable);
    }
  });

  test('gives an answer for each recipient behind the last BDAT', async () => {
    const replies = { 'RCPT TO:<b': '550 5.1.1 b', BDAT: '250 a\n550 5.7.1 c' };
    const { handover } = await deliver(
      { offers: ['CHUNKING'], replies },
      { recipients: three, allOrNone: false },
      LMTP,
    );
    assert.deepEqual(codes(handover.answers), [250, 550, 550]);
  });

  test('by a unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-net-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'lmtp');
    const { server } = await talkTo({ offers: ['PIPELINING'] }, { path });
    const client = await open(settings({ path }, LMTP));
    assert.deepEqual(codes((await client.deliver(mail({ recipients: three }))).answers), [250, 250, 250]);
    await client.quit();
    await server.finished();
  });
});

describe('the greeting', () => {
  test('is HELO to a server that does not know EHLO', async () => {
    const { commands, handover } = await deliver({ replies: { EHLO: '502 5.5.1 what?' } });
    assert.deepEqual(commands.slice(0, 2), ['EHLO me.example', 'HELO me.example']);
    assert.deepEqual(codes(handover.answers), [250]);
  });

  test('may have several lines, and EHLO many', async () => {
    const offers = [...Array.from({ length: 200 }, (_, at) => `X-${at} ${'word '.repeat(20)}`), 'pipelining'];
    const { reads } = await deliver({ offers, replies: { greeting: '220-hello\r\n220-\r\n220 there' } });
    assert.match(reads[1] ?? '', /^MAIL .*\r\nRCPT .*\r\nDATA\r\n$/);
  });

  test('goes over IPv6', async () => {
    const { server } = await talkTo({}, { host: '::1' });
    const client = await open(settings({ host: '::1', port: server.port }));
    assert.deepEqual(codes((await client.deliver(mail())).answers), [250]);
  });

  test('goes to the address of a name that listens', async () => {
    const { server } = await talkTo({}, { host: '127.0.0.1' });
    const client = await open(settings({ host: 'localhost', port: server.port }));
    assert.deepEqual(codes((await client.deliver(mail())).answers), [250]);
  });
});

describe('the login', () => {
  const login = { user: 'me', password: 'sécret' };
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  test('is by PLAIN', async () => {
    const { commands, handover } = await deliver(
      { offers: ['AUTH LOGIN PLAIN'], replies: { AUTH: '235 2.7.0 welcome' } },
      {},
      { login },
    );
    assert.equal(commands[1], `AUTH PLAIN ${base64('\0me\0sécret')}`);
    assert.deepEqual(codes(handover.answers), [250]);
  });

  test('is by LOGIN', async () => {
    const replies = {
      AUTH: '334 VXNlcm5hbWU6',
      [base64('me')]: '334 UGFzc3dvcmQ6',
      [base64('sécret')]: '235 ok',
    };
    const { commands } = await deliver({ offers: ['AUTH=LOGIN'], replies }, {}, { login });
    assert.deepEqual(commands.slice(1, 4), ['AUTH LOGIN', base64('me'), base64('sécret')]);
  });

  test('is by CRAM-MD5', async () => {
    const digest = createHmac('md5', 'sécret').update('<1@scripted.example>').digest('hex');
    const replies = { AUTH: `334 ${base64('<1@scripted.example>')}`, [base64(`me ${digest}`)]: '235 ok' };
    const { commands, handover } = await deliver({ offers: ['AUTH CRAM-MD5'], replies }, {}, { login });
    assert.deepEqual(commands.slice(1, 3), ['AUTH CRAM-MD5', base64(`me ${digest}`)]);
    assert.deepEqual(codes(handover.answers), [250]);
  });

  const failures: readonly (readonly [offers: readonly string[], reply: string, error: RegExp])[] = [
    [['AUTH PLAIN'], '535 5.7.8 wrong', /^login: 535 5\.7\.8 wrong$/],
    [['AUTH PLAIN'], '454 4.7.0 later', /^login: 454 4\.7\.0 later$/],
    [['AUTH LOGIN'], '504 5.5.4 no', /^login: 504 5\.5\.4 no$/],
    [['AUTH GSSAPI'], '235 ok', /^login: 454 4\.7\.0 the server offers no AUTH/],
    [[], '235 ok', /^login: 454 4\.7\.0 the server offers no AUTH/],
  ];
  for (const [offers, reply, message] of failures) {
    test(`that fails sends nothing: ${offers.join()} ${reply}`, async () => {
      const { server, peer } = await talkTo({ offers, replies: { AUTH: reply } });
      await assert.rejects(open(settings(server, { login })), { message });
      await peer().gone();
      assert.ok(!peer().commands.some((command) => command.startsWith('MAIL')));
    });
  }
});

describe('XCLIENT', () => {
  const client = new Map([
    ['NAME', 'client.example'],
    ['ADDR', 'IPV6:2001:db8::1'],
    ['HELO', 'x'.repeat(480)],
    ['PROTO', 'ESMTP'],
  ]);

  test('tells what is wanted in commands of at most 500 octets, once for each client', async () => {
    const { server, peer } = await talkTo({
      offers: ['XCLIENT NAME HELO ADDR'],
      replies: { XCLIENT: '220 scripted.example ESMTP' },
    });
    const connection = await open(settings(server));
    await connection.deliver(mail({ client }));
    await connection.deliver(mail({ client }));
    await connection.deliver(mail({ client: new Map([['ADDR', '192.0.2.1']]) }));
    await connection.quit();
    const greetings = peer().commands.filter((command) => /^(?:XCLIENT|EHLO)/.test(command));
    assert.deepEqual(greetings, [
      'EHLO me.example',
      'XCLIENT NAME=client.example ADDR=IPV6:2001:db8::1',
      `XCLIENT HELO=${'x'.repeat(480)}`,
      `EHLO ${'x'.repeat(480)}`,
      'XCLIENT ADDR=192.0.2.1',
      'EHLO me.example',
    ]);
    assert.equal(peer().messages.length, 3);
  });

  test('that is not offered or not taken sends nothing', async () => {
    const cases = [
      { offers: [], replies: {}, message: 'XCLIENT: 451 4.3.5 the server does not offer it' },
      {
        offers: ['XCLIENT NAME'],
        replies: { XCLIENT: '550 5.7.1 not you' },
        message: 'XCLIENT: 550 5.7.1 not you',
      },
    ];
    for (const { message, ...behaviour } of cases) {
      const { server, peer } = await talkTo(behaviour);
      const connection = await open(settings(server));
      await assert.rejects(connection.deliver(mail({ client })), { message });
      assert.ok(!connection.isUsable);
      await peer().gone();
      assert.ok(!peer().commands.some((command) => command.startsWith('MAIL')));
    }
  });
});
