// BDAT (RFC 3030): the message that comes out is the one that went in, however it is cut and whatever is in it, and no
// octet of a chunk is ever read as a command.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { declined, deny, denySoft, disconnect, done, ok } from '../../src/contract/verdict.ts';
import { begin, type Talk, type TalkOptions } from './support.ts';

interface Served {
  readonly talk: Talk;
  /** the messages that reached the queue as they were received, without our trace fields */
  readonly queued: readonly string[];
}

const ENVELOPE = ['EHLO client.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>'] as const;
const COMMAND = 'NOOP\r\n';

async function serve(hooks: HookTable = {}, options: TalkOptions = {}): Promise<Served> {
  const queued: string[] = [];
  let received = '';
  const recorder: HookTable = {
    data_post_headers: async ({ transaction }) => {
      const chunks: Buffer[] = [];
      for await (const chunk of transaction.content.chunks('as-received')) chunks.push(chunk);
      received = Buffer.concat(chunks).toString('latin1');
      return declined;
    },
    queue: () => {
      queued.push(received);
      return ok();
    },
  };
  const talk = await begin({ ...options, plugins: { actor: hooks, 'queue/last': recorder } });
  return { talk, queued };
}

async function opened(hooks: HookTable = {}, options: TalkOptions = {}): Promise<Served> {
  const served = await serve(hooks, options);
  assert.match(await served.talk.say(...ENVELOPE), /\n250 2\.1\.5 [^\n]*$/);
  return served;
}

/** As BDAT commands, cut into so many octets. */
function chunked(message: string, size: number): string {
  let text = '';
  for (let at = 0; at < message.length; at += size) {
    const chunk = message.slice(at, at + size);
    const last = at + size >= message.length ? ' LAST' : '';
    text += `BDAT ${chunk.length}${last}\r\n${chunk}`;
  }
  return text === '' ? 'BDAT 0 LAST\r\n' : text;
}

const codes = (replies: string) => replies.split('\n').map((line) => line.slice(0, 3));
const digest = (text: string) =>
  `${text.length} ${createHash('sha256').update(text, 'latin1').digest('hex')}`;

const messages: Readonly<Record<string, string>> = {
  'a small one': 'Subject: x\r\nX-Folded: a\r\n b\r\n\r\nbody\r\n',
  'lines of dots': 'Subject: x\r\n\r\n.\r\n..\r\n.a\r\n\n.\n\r.\r\n.\r\n',
  'an end mark inside': 'Subject: x\r\n\r\nbody\r\n.\r\nMAIL FROM:<x@x.example>\r\n',
  'every octet': `Subject: x\r\n\r\n${Array.from({ length: 256 }, (_, at) => String.fromCharCode(at)).join('')}`,
  'NUL, bare CR and bare LF': 'Subject: \0\n\r\n\0\r\r\n\n\n\r',
  'no end of line': 'Subject: x\r\n\r\nbody',
  'a header only': 'Subject: x\r\n',
  'no header': 'just text\r\n',
  'commands only': COMMAND.repeat(20),
};

describe('a message in chunks', () => {
  for (const [what, message] of Object.entries(messages)) {
    for (const size of [message.length, 7, 2, 1]) {
      it(`is the same: ${what}, ${size} octets a chunk, in one packet and in packets of one octet`, async () => {
        const commands = chunked(message, size);
        const count = Math.ceil(message.length / size);
        const expected = [...Array<string>(count - 1).fill('250'), '250'];
        const { talk, queued } = await opened();
        assert.deepEqual(codes(await talk.send(commands)), expected);
        assert.equal(talk.wire.writes.length, 3, 'all replies in one write');
        await talk.say(...ENVELOPE.slice(1));
        for (const octet of commands) talk.wire.send(octet);
        assert.deepEqual(codes(await talk.replies()), expected);
        // A text without header gets a blank line only once there are fields above it.
        assert.deepEqual(queued, [message, message]);
      });
    }
  }

  it('comes in one packet with its envelope and the next one', async () => {
    const { talk, queued } = await serve();
    await talk.say('EHLO client.example');
    const one = `${ENVELOPE.slice(1).join('\r\n')}\r\nBDAT 12\r\nSubject: x\r\nBDAT 8 LAST\r\n\r\nbody\r\n`;
    const replies = await talk.send(`${one}${one}`);
    assert.equal(replies.match(/^250 2\.0\.0 queued$/gm)?.length, 2);
    assert.equal(replies.match(/^250 2\.0\.0 12 octets received$/gm)?.length, 2);
    assert.equal(talk.wire.writes.length, 3);
    assert.deepEqual(queued, ['Subject: x\r\n\r\nbody\r\n', 'Subject: x\r\n\r\nbody\r\n']);
  });

  it('may end with an empty chunk, and may have empty ones before', async () => {
    const { talk, queued } = await opened();
    const replies = await talk.send('BDAT 0\r\nBDAT 14\r\nSubject: x\r\n\r\nBDAT 0\r\nBDAT 000 LAST\r\n');
    assert.deepEqual(replies.split('\n'), [
      '250 2.0.0 0 octets received',
      '250 2.0.0 14 octets received',
      '250 2.0.0 0 octets received',
      '250 2.0.0 queued',
    ]);
    assert.deepEqual(queued, ['Subject: x\r\n\r\n']);
  });

  it('may be empty', async () => {
    const { talk, queued } = await opened();
    assert.equal(await talk.say('BDAT 0 LAST'), '250 2.0.0 queued');
    assert.deepEqual(queued, ['']);
  });

  it('of 20 MB goes through the spool, and nothing is left there', async () => {
    const block = Buffer.alloc(65_536);
    for (let at = 0; at < block.length; at++) block[at] = (at * 7919) % 251;
    const text = block.toString('latin1');
    const { talk, queued } = await opened();
    const message = `Subject: big\r\n\r\n${text.repeat(320)}`;
    const half = message.length / 2;
    for (const part of [message.slice(0, half), message.slice(half)]) {
      talk.wire.send(`BDAT ${part.length}\r\n`);
      for (let at = 0; at < part.length; at += 60_000) talk.wire.send(part.slice(at, at + 60_000));
    }
    assert.deepEqual(codes(await talk.send('BDAT 0 LAST\r\n')), ['250', '250', '250']);
    assert.equal(digest(queued[0] ?? ''), digest(message));
    assert.deepEqual(talk.spooled, []);
  });
});

/** Mulberry32: the same numbers from 0 to 1 for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const TOKENS = [
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '.',
  '..',
  'X-Name: v',
  ':',
  ' ',
  '\0',
  '\xff',
  'text',
  '\t',
];

/** A message that DATA can carry too: it ends in a line end, and no dot stands between a bare CR and a line end. */
function randomMessage(random: () => number): string {
  const pick = () => TOKENS[Math.floor(random() * TOKENS.length)] ?? '';
  const start = random() < 0.7 ? 'Subject: x\r\n' : '';
  const text = start + Array.from({ length: Math.floor(random() * 60) }, pick).join('');
  return `${text.replace(/\r\.(?=[\r\n]|$)/g, '\r')}\r\n`;
}

describe('DATA and BDAT', () => {
  it('make the same of 300 random messages, cut at random', async () => {
    const random = generator(3030);
    const { talk, queued } = await serve({}, { config: { max_commands_without_mail: ['100000'] } });
    await talk.say('EHLO client.example');
    for (let round = 0; round < 300; round++) {
      const message = randomMessage(random);
      await talk.say(...ENVELOPE.slice(1), 'DATA');
      const byData = await talk.send(`${message.replace(/(^|\n)\./g, '$1..')}.\r\n`);
      await talk.say(...ENVELOPE.slice(1));
      const byChunks = await talk.send(chunked(message, 1 + Math.floor(random() * 40)));
      assert.equal(byData, '250 2.0.0 queued', JSON.stringify(message));
      assert.match(byChunks, /(?:^|\n)250 2\.0\.0 queued$/, JSON.stringify(message));
      assert.deepEqual(queued.slice(-2), [message, message]);
    }
  });
});

describe('the hooks', () => {
  it('are those of DATA, `data` once, `data_headers_end` as soon as the header is there', async () => {
    const seen: string[] = [];
    const note = (hook: string) => () => {
      seen.push(hook);
      return declined;
    };
    const { talk } = await opened({
      data: note('data'),
      data_headers_end: note('data_headers_end'),
      data_post: note('data_post'),
      queue_pre: note('queue_pre'),
      queue_post: () => void seen.push('queue_post'),
      reset_transaction: () => void seen.push('reset_transaction'),
    });
    const take = () => seen.splice(0);
    take();
    await talk.send('BDAT 9\r\nSubject: ');
    assert.deepEqual(take(), ['data']);
    await talk.send('BDAT 4\r\nx\r\n\r');
    assert.deepEqual(take(), []);
    await talk.send('BDAT 3\r\n\nb');
    assert.deepEqual(take(), ['data_headers_end']);
    await talk.send('x');
    assert.deepEqual(take(), []);
    await talk.send('BDAT 2 LAST\r\n\r\n');
    assert.deepEqual(take(), ['data_post', 'queue_pre', 'queue_post', 'reset_transaction']);
  });

  for (const [verdict, reply] of [
    [deny('no'), '554 5.7.1 no'],
    [denySoft('no'), '451 4.7.1 no'],
    [done({ code: 554, lines: ['done'] }), '554 done'],
    [done(), '451 4.3.0 message refused for now'],
  ] as const) {
    it(`data ${verdict.code}: the chunk is answered, those behind it get 503, all are thrown away`, async () => {
      let asked = 0;
      const { talk, queued } = await opened({
        data: () => {
          asked++;
          return verdict;
        },
      });
      const chunk = `${COMMAND}${COMMAND}`;
      const replies = await talk.send(
        `BDAT 12\r\n${chunk}BDAT 12\r\n${chunk}BDAT 12 LAST\r\n${chunk}NOOP\r\n`,
      );
      assert.deepEqual(replies.split('\n'), [
        reply,
        '503 5.5.1 say MAIL first',
        '503 5.5.1 say MAIL first',
        '250 2.0.0 ok',
      ]);
      assert.equal(asked, 1);
      assert.deepEqual(queued, []);
    });
  }

  it('data with _DISCONNECT ends the connection at once', async () => {
    const { talk } = await opened({ data: () => disconnect(deny('no')) });
    assert.equal(await talk.say('BDAT 1000'), '554 5.7.1 no');
    assert.ok(talk.isClosed);
  });

  it('data_headers_end: a denial answers the chunk in which the header ends', async () => {
    const { talk, queued } = await opened({ data_headers_end: () => deny('no') });
    assert.equal(await talk.send('BDAT 11\r\nSubject: x\r'), '250 2.0.0 11 octets received');
    const replies = await talk.send(`BDAT 15\r\n\n\r\n${COMMAND}${COMMAND}BDAT 6 LAST\r\n${COMMAND}NOOP\r\n`);
    assert.deepEqual(replies.split('\n'), ['554 5.7.1 no', '503 5.5.1 say MAIL first', '250 2.0.0 ok']);
    assert.deepEqual(queued, []);
  });

  it('data_headers_end: a denial in the last chunk is the answer to the message', async () => {
    const { talk } = await opened({ data_headers_end: () => denySoft('no') });
    assert.equal(await talk.send('BDAT 12 LAST\r\nSubject: x\r\n'), '451 4.7.1 no');
    assert.equal(await talk.say('NOOP'), '250 2.0.0 ok');
  });

  it('data_headers_end with _DISCONNECT leaves the rest of the chunk unread', async () => {
    const { talk } = await opened({ data_headers_end: () => disconnect(denySoft('no')) });
    assert.equal(await talk.send(`BDAT 5000\r\nSubject: x\r\n\r\n${COMMAND}`), '421 4.7.1 no');
    assert.ok(talk.isClosed);
  });

  it('queue: a denial is the answer to the last chunk, and the session goes on', async () => {
    const { talk } = await opened({ queue_pre: () => denySoft('full') });
    const replies = await talk.send('BDAT 2\r\nx\nBDAT 2 LAST\r\ny\n');
    assert.deepEqual(codes(replies), ['250', '452']);
    assert.equal(await talk.say('BDAT 0 LAST'), '503 5.5.1 say MAIL first');
  });
});

describe('the order of commands', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['BDAT without MAIL', `RSET\r\nBDAT 6\r\n${COMMAND}NOOP\r\n`, ['250', '503', '250']],
    ['BDAT without RCPT', `MAIL FROM:<>\r\nBDAT 6 LAST\r\n${COMMAND}NOOP\r\n`, ['250', '503', '250']],
    ['BDAT behind LAST', `BDAT 0 LAST\r\nBDAT 6 LAST\r\n${COMMAND}NOOP\r\n`, ['250', '503', '250']],
    ['DATA behind BDAT', `BDAT 6\r\n${COMMAND}DATA\r\nBDAT 0 LAST\r\n`, ['250', '503', '250']],
    ['RCPT behind BDAT', 'BDAT 0\r\nRCPT TO:<c@b.example>\r\nBDAT 0 LAST\r\n', ['250', '503', '250']],
    ['MAIL behind BDAT', 'BDAT 0\r\nMAIL FROM:<>\r\nBDAT 0 LAST\r\n', ['250', '503', '250']],
    ['what is unknown behind BDAT', 'BDAT 0\r\nXYZZY\r\nBDAT 0 LAST\r\n', ['250', '503', '250']],
    ['NOOP behind BDAT', 'BDAT 0\r\nNOOP\r\nBDAT 0 LAST\r\n', ['250', '250', '250']],
    ['RSET behind BDAT', `BDAT 6\r\n${COMMAND}RSET\r\nBDAT 0 LAST\r\n`, ['250', '250', '503']],
    ['words behind the size', `BDAT 6 FIRST\r\n${COMMAND}BDAT 0 LAST\r\n`, ['501', '503']],
    ['more than LAST', `BDAT 6 LAST now\r\n${COMMAND}BDAT 0 LAST\r\n`, ['501', '503']],
    ['small letters', `bdat 6 last\r\n${COMMAND}`, ['250']],
  ];
  for (const [what, commands, expected] of cases) {
    it(`${what}: ${expected.join(', ')}`, async () => {
      const { talk } = await opened();
      assert.deepEqual(codes(await talk.send(commands)), expected);
    });
  }

  it('after RSET, nothing of the message before is left', async () => {
    const { talk, queued } = await opened();
    await talk.send(`BDAT 7\r\nX: old\nRSET\r\n`);
    await talk.say(...ENVELOPE.slice(1));
    await talk.send('BDAT 7 LAST\r\nX: new\n');
    assert.deepEqual(queued, ['X: new\n']);
  });

  it('EHLO throws the message away, and begins again', async () => {
    const { talk, queued } = await opened();
    await talk.send(`BDAT 7\r\nX: old\nEHLO client.example\r\n`);
    assert.equal(await talk.say('BDAT 0 LAST'), '503 5.5.1 say MAIL first');
    assert.deepEqual(queued, []);
  });

  for (const size of ['', 'x', '-1', '1.5', '0x10', '1e3', 'LAST', '9'.repeat(16), '12,']) {
    it(`a size that is none ends the connection: "${size}"`, async () => {
      const { talk, queued } = await opened();
      assert.equal(await talk.send(`BDAT ${size}\r\n${COMMAND}`), '421 4.5.4 Syntax: BDAT size [LAST]');
      assert.ok(talk.isClosed);
      assert.deepEqual(queued, []);
    });
  }
});

describe('limits', () => {
  it('databytes: refused when the size is told, whatever is said of it in MAIL', async () => {
    const { talk, queued } = await opened({}, { config: { databytes: ['20'] } });
    const replies = await talk.send(`BDAT 12\r\nSubject: x\r\nBDAT 9 LAST\r\n\r\n1234567NOOP\r\n`);
    assert.deepEqual(replies.split('\n'), [
      '250 2.0.0 12 octets received',
      '552 5.3.4 message is too big',
      '250 2.0.0 ok',
    ]);
    await talk.say(...ENVELOPE.slice(1));
    assert.equal(await talk.send('BDAT 20 LAST\r\nSubject: x\r\n\r\n123456'), '250 2.0.0 queued');
    assert.deepEqual(queued, ['Subject: x\r\n\r\n123456']);
  });

  it('a chunk that is thrown away is read to its end, packet by packet', async () => {
    const { talk } = await opened({}, { config: { databytes: ['20'] } });
    assert.equal(await talk.send(`BDAT 60 LAST\r\n${COMMAND.repeat(5)}`), '');
    assert.equal(await talk.send(COMMAND.repeat(4)), '');
    assert.deepEqual(codes(await talk.send(`${COMMAND}NOOP\r\n`)), ['552', '250']);
  });

  it('a chunk of half a gigabyte that is not wanted ends the connection', async () => {
    const { talk } = await opened({}, { config: { databytes: ['20'] } });
    assert.equal(await talk.send('BDAT 500000000\r\n'), '552 5.3.4 message is too big');
    assert.ok(talk.isClosed);
  });

  it('max_header_size', async () => {
    const { talk, queued } = await opened({}, { config: { max_header_size: ['1024'] } });
    const field = `X-Long: ${'x'.repeat(790)}\r\n`;
    const replies = await talk.send(`${chunked(field + field, 800)}NOOP\r\n`);
    assert.deepEqual(replies.split('\n'), [
      '250 2.0.0 800 octets received',
      '552 5.3.4 the header of the message is too big',
      '250 2.0.0 ok',
    ]);
    assert.deepEqual(queued, []);
  });

  it('max_commands_without_mail counts no chunk that brings something, but empty and refused ones', async () => {
    const config = { max_commands_without_mail: ['10'] };
    const full = await opened({}, { config });
    const text = 'Subject: x\r\n\r\nmany small chunks\r\n';
    assert.match(await full.talk.send(chunked(text, 1)), /\n250 2\.0\.0 queued$/);
    const empty = await opened({}, { config });
    assert.match(await empty.talk.send('BDAT 0\r\n'.repeat(11)), /\n421 4\.7\.0 [^\n]*$/);
    const refused = await opened({ data: () => deny() }, { config });
    assert.match(await refused.talk.send('BDAT 1\r\nx'.repeat(11)), /\n421 4\.7\.0 [^\n]*$/);
  });

  it('a spool that cannot be written: 452, and the rest is thrown away', async () => {
    const { talk, queued } = await opened({}, { config: { size_threshold: ['0'] } });
    rmSync(join(talk.stage.folder, 'spool'), { recursive: true });
    const replies = await talk.send(
      `BDAT 8\r\nX: y\r\n\r\nBDAT 6\r\n${COMMAND}BDAT 6 LAST\r\n${COMMAND}NOOP\r\n`,
    );
    assert.deepEqual(codes(replies), ['250', '452', '503', '250']);
    assert.deepEqual(queued, []);
  });
});

describe('bare line feeds', () => {
  const config = { bare_newline: ['reject'] };

  it('are refused where bare_newline says so, cut anywhere', async () => {
    const text = 'Subject: x\r\n\r\na\r\nb\nc\r\n';
    for (const size of [100, 3, 1]) {
      const { talk, queued } = await opened({}, { config });
      assert.match(await talk.send(chunked(text, size)), /(?:^|\n)521 5\.5\.2 [^\n]*$/);
      assert.ok(talk.isClosed);
      assert.deepEqual(queued, []);
    }
  });

  it('do not stand where CR and LF come apart', async () => {
    const { talk, queued } = await opened({}, { config });
    assert.match(await talk.send(chunked('Subject: x\r\n\r\na\r\n', 1)), /\n250 2\.0\.0 queued$/);
    assert.equal(queued.length, 1);
  });
});

describe('the end of the session in the middle of a chunk', () => {
  it('a client that leaves has sent nothing', async () => {
    for (const begun of ['BDAT 100\r\nSubject: x\r\n\r\n', 'BDAT 14\r\nSubject: x\r\n\r\n']) {
      const { talk, queued } = await opened({}, { config: { size_threshold: ['0'] } });
      await talk.send(begun);
      talk.wire.finish();
      await talk.over;
      assert.equal(talk.session.ended, 'lost');
      assert.deepEqual(queued, []);
      assert.deepEqual(talk.spooled, []);
    }
  });

  it('a client that is silent for too long gets 421', async () => {
    const { talk } = await opened();
    await talk.send('BDAT 100\r\nSubject: x\r\n\r\n');
    talk.wire.expire();
    assert.match(await talk.replies(), /^421 4\.4\.2 /);
    assert.ok(talk.isClosed);
  });

  it('a server that stops takes the message under way, and nothing more', async () => {
    const { talk, queued } = await opened();
    await talk.send('BDAT 14\r\nSubject: x\r\n');
    talk.stop();
    assert.equal(await talk.send('\r\n'), '250 2.0.0 14 octets received');
    const replies = await talk.send('BDAT 6\r\nbody\r\nBDAT 0 LAST\r\nNOOP\r\n');
    assert.deepEqual(codes(replies), ['250', '250', '421']);
    assert.deepEqual(queued, ['Subject: x\r\n\r\nbody\r\n']);
  });

  it('a server that stops begins no message', async () => {
    const { talk } = await opened();
    talk.stop();
    assert.match(await talk.send('BDAT 0 LAST\r\n'), /^421 4\.3\.2 /);
  });
});

describe('what is not offered', () => {
  it('is unknown: before EHLO, behind HELO, and with CHUNKING off', async () => {
    const off = { config: { extensions: ['CHUNKING off'] } };
    for (const [lines, options] of [
      [[], {}],
      [['HELO client.example'], {}],
      [['EHLO client.example'], off],
    ] as const) {
      const { talk } = await serve({ unrecognized_command: (_at, verb) => deny(`no ${verb}`) }, options);
      if (lines.length > 0) assert.doesNotMatch(await talk.say(...lines), /CHUNKING/);
      assert.equal(await talk.say('BDAT 5 LAST'), '500 5.5.1 no bdat');
    }
  });

  it('is named in the EHLO reply otherwise', async () => {
    const { talk } = await serve();
    assert.match(await talk.say('EHLO client.example'), /^250[ -]CHUNKING$/m);
  });
});

describe('BODY=BINARYMIME', () => {
  const binary = { config: { extensions: ['BINARYMIME on'], bare_newline: ['reject'] } };
  const envelope = ['MAIL FROM:<a@a.example> BODY=BINARYMIME', 'RCPT TO:<b@b.example>'];

  it('cannot be sent by DATA (RFC 3030 section 3)', async () => {
    const { talk } = await serve({}, binary);
    await talk.say('EHLO client.example');
    assert.deepEqual(codes(await talk.say(...envelope, 'DATA', 'NOOP')), ['250', '250', '503', '250']);
  });

  it('is kept octet for octet, bare line feeds included, whatever bare_newline says', async () => {
    const { talk, queued } = await serve({}, binary);
    await talk.say('EHLO client.example');
    await talk.say(...envelope);
    const message = 'Subject: x\r\n\r\n\n\0\r.\r\n.\r\n\n';
    assert.match(await talk.send(chunked(message, 3)), /\n250 2\.0\.0 queued$/);
    assert.deepEqual(queued, [message]);
  });
});

describe('LMTP', () => {
  async function openedLmtp(hooks: HookTable): Promise<Talk> {
    const service = { tls: false, lmtp: true };
    const { talk } = await serve(hooks, { client: { ip: '192.0.2.1', host: 'client.example', service } });
    await talk.say('LHLO client.example', 'MAIL FROM:<>', 'RCPT TO:<b@b.example>', 'RCPT TO:<c@c.example>');
    return talk;
  }

  it('answers the last chunk once for each recipient, and the others once (RFC 2033 section 4.2)', async () => {
    const talk = await openedLmtp({});
    assert.deepEqual(codes(await talk.send('BDAT 6\r\nX: y\r\nBDAT 0 LAST\r\n')), ['250', '250', '250']);
  });

  it('does so when the message is refused', async () => {
    for (const hook of ['data', 'data_headers_end'] as const) {
      const talk = await openedLmtp({ [hook]: () => deny('no') });
      assert.deepEqual(codes(await talk.send('BDAT 6 LAST\r\nX: y\r\nNOOP\r\n')), ['554', '554', '250']);
    }
  });
});
