// What becomes of a message behind DATA: denials of each hook on its way, limits, and clients that leave.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookName, HookTable } from '../../src/contract/hooks.ts';
import { declined, deny, denySoft, disconnect, done, ok } from '../../src/contract/verdict.ts';
import { begin, MESSAGE, type Talk, type TalkOptions } from './support.ts';

const BIG = { size_threshold: ['0'] };

interface Served {
  readonly talk: Talk;
  /** the messages that reached the queue, with LF */
  readonly queued: readonly string[];
}

async function serve(hooks: HookTable, config: TalkOptions['config'] = {}): Promise<Served> {
  const queued: string[] = [];
  const talk = await begin({
    plugins: {
      actor: hooks,
      'queue/last': {
        queue: async ({ transaction }) => {
          const chunks: Buffer[] = [];
          for await (const chunk of transaction.content.chunks('lf')) chunks.push(chunk);
          queued.push(Buffer.concat(chunks).toString('latin1'));
          return ok();
        },
      },
    },
    config: { ...BIG, ...config },
  });
  return { talk, queued };
}

async function sendMessage(
  hooks: HookTable,
  message = MESSAGE,
  config: TalkOptions['config'] = {},
): Promise<Served & { readonly reply: string }> {
  const served = await serve(hooks, config);
  await served.talk.openData();
  return { ...served, reply: await served.talk.send(message) };
}

describe('denials of a message', () => {
  const cases = [
    ['data_headers_end', deny('no'), '554 5.7.1 no', false],
    ['data_headers_end', denySoft('no'), '451 4.7.1 no', false],
    ['data_headers_end', disconnect(deny('no')), '554 5.7.1 no', true],
    ['data_headers_end', disconnect(denySoft('no')), '421 4.7.1 no', true],
    ['data_post_headers', deny('no'), '552 5.7.1 no', false],
    ['data_post_headers', denySoft('no'), '452 4.7.1 no', false],
    ['data_post_headers', disconnect(deny('no')), '552 5.7.1 no', true],
    ['data_post', deny('no'), '552 5.7.1 no', false],
    ['data_post', disconnect(denySoft('no')), '452 4.7.1 no', true],
    ['queue_pre', deny('no'), '552 5.7.1 no', false],
    ['queue_pre', denySoft('no'), '452 4.7.1 no', false],
    ['queue_pre', disconnect(denySoft('no')), '452 4.7.1 no', true],
    ['queue', deny('no'), '552 5.7.1 no', false],
    ['queue', denySoft('no'), '452 4.7.1 no', false],
    ['queue', disconnect(deny('no')), '552 5.7.1 no', true],
  ] as const;
  for (const [hook, verdict, expected, closes] of cases) {
    it(`${hook} ${verdict.code}: ${expected}, ${closes ? 'closes' : 'goes on'} (quirks 24, 24a, 24b)`, async () => {
      const { talk, reply, queued } = await sendMessage({ [hook]: () => verdict });
      assert.equal(reply, expected);
      assert.deepEqual(queued, []);
      assert.equal(talk.isClosed, closes);
      if (!closes) {
        assert.equal(await talk.say('RCPT TO:<b@b.example>'), '503 5.5.1 say MAIL before RCPT');
        assert.deepEqual(talk.spooled, []);
      }
    });
  }

  it('data_headers_end answers a plain denial only behind the end of the message (quirk 24a)', async () => {
    const { talk, reply } = await sendMessage(
      { data_headers_end: () => deny('no') },
      'Subject: x\r\n\r\nQUIT\r\n',
    );
    assert.equal(reply, '');
    assert.equal(await talk.send('RSET\r\n.\r\n'), '554 5.7.1 no');
  });

  it('data_headers_end: a plugin that is done without a reply does not leave the client waiting', async () => {
    const { reply, queued } = await sendMessage({ data_headers_end: () => done() });
    assert.match(reply, /^451 4\.3\.0 /);
    assert.deepEqual(queued, []);
  });

  it('data: a denial ends the transaction, and no message is read', async () => {
    const talk = await begin({ plugins: { actor: { data: () => deny('no') } } });
    const replies = await talk.say(
      'EHLO c.example',
      'MAIL FROM:<>',
      'RCPT TO:<b@b.example>',
      'DATA',
      'RCPT TO:<b@b.example>',
    );
    assert.deepEqual(replies.split('\n').slice(-2), ['554 5.7.1 no', '503 5.5.1 say MAIL before RCPT']);
  });

  it('queue: where all decline, the client is told to come back (quirk 24)', async () => {
    const talk = await begin({ plugins: { 'queue/none': { queue: () => declined } } });
    await talk.openData();
    assert.match(await talk.send(MESSAGE), /^451 4\.3\.0 /);
  });

  it('a queue that fails puts the client off (quirk 5)', async () => {
    const talk = await begin({
      plugins: {
        'queue/broken': {
          queue: () => {
            throw new Error('disk on fire');
          },
        },
      },
    });
    await talk.openData();
    const reply = await talk.send(MESSAGE);
    assert.match(reply, /^452 4\.3\.0 /);
    assert.doesNotMatch(reply, /fire/);
  });
});

describe('queue_post', () => {
  it('runs behind the reply, with what became of the message', async () => {
    const seen: string[] = [];
    const { talk } = await serve({
      queue_post: (_at, { code }) => void seen.push(`${code} ${talk.wire.writes.at(-1)?.trim()}`),
    });
    await talk.openData();
    await talk.send(MESSAGE);
    assert.deepEqual(seen, ['OK 250 2.0.0 queued']);
  });
});

describe('a client that leaves', () => {
  it('before its message is queued gets nothing queued', async () => {
    for (const hook of ['data_post_headers', 'data_post', 'queue_pre'] satisfies HookName[]) {
      const queued: string[] = [];
      const talk = await begin({
        plugins: {
          leaver: {
            [hook]: () => {
              talk.wire.break();
              return declined;
            },
          },
          'queue/last': {
            queue: () => {
              queued.push(hook);
              return ok();
            },
          },
        },
        config: BIG,
      });
      await talk.openData();
      talk.wire.send(MESSAGE);
      await talk.over;
      assert.deepEqual(queued, []);
      assert.equal(talk.session.ended, 'lost');
      assert.deepEqual(talk.spooled, []);
      assert.ok(
        talk.stage.takeLog().some((line) => line.includes('the client left before the message was queued')),
      );
    }
  });

  it('while the queue is at work does not undo it', async () => {
    const outcomes: string[] = [];
    const { talk } = await serve({
      queue: () => {
        talk.wire.break();
        return ok();
      },
      queue_post: (_at, { code }) => void outcomes.push(code),
    });
    await talk.openData();
    talk.wire.send(MESSAGE);
    await talk.over;
    assert.deepEqual(outcomes, ['OK']);
  });

  it('after half a message leaves nothing behind', async () => {
    const { talk, queued } = await sendMessage({}, 'Subject: x\r\n\r\nhalf of\r\n');
    talk.wire.finish();
    await talk.over;
    assert.deepEqual(queued, []);
    assert.deepEqual(talk.spooled, []);
  });
});

describe('the fields that are added', () => {
  it('are Authentication-Results above Received, above all that came', async () => {
    const { queued } = await sendMessage({});
    const [message = ''] = queued;
    const names = message.split('\n\n')[0]?.match(/^[\w-]+(?=:)/gm);
    assert.deepEqual(names, ['Authentication-Results', 'Received', 'Subject']);
  });

  it('hold the results of the connection before those of the message, and those of no other message', async () => {
    const { talk, queued } = await sendMessage({
      connect: ({ connection }) => {
        connection.addAuthResult('iprev=pass');
        return declined;
      },
      mail: ({ transaction }, sender) => {
        transaction.addAuthResult(`spf=pass smtp.mailfrom=${sender}`);
        return declined;
      },
    });
    await talk.say('MAIL FROM:<c@c.example>', 'RCPT TO:<b@b.example>', 'DATA');
    await talk.send(MESSAGE);
    assert.match(
      queued[0] ?? '',
      /^Authentication-Results: mx\.example;\s+auth=none;\s+iprev=pass;\s+spf=pass smtp\.mailfrom=a@a\.example\n/,
    );
    assert.match(
      queued[1] ?? '',
      /^Authentication-Results: mx\.example;\s+auth=none;\s+iprev=pass;\s+spf=pass smtp\.mailfrom=c@c\.example\n/,
    );
  });

  it('leave no Authentication-Results that came in under its name (quirk 3)', async () => {
    const forged = 'Authentication-Results: mx.example; spf=pass\r\n'.repeat(5);
    const { queued } = await sendMessage({}, `${forged}${MESSAGE}`);
    assert.equal(queued[0]?.match(/^Authentication-Results:/gm)?.length, 1);
    assert.equal(queued[0]?.match(/^Original-Authentication-Results:/gm)?.length, 5);
  });

  it('are Received alone with me-auth-results "none"', async () => {
    const { queued } = await sendMessage({}, `Authentication-Results: x; y\r\n${MESSAGE}`, {
      'me-auth-results': ['none'],
    });
    assert.equal(queued[0]?.match(/^Authentication-Results:/gm)?.length, 1);
    assert.match(queued[0] ?? '', /^Received: [\s\S]*\nAuthentication-Results: x; y\n/);
  });

  it('keep a message without header and blank line apart from them (quirk 2)', async () => {
    const { queued } = await sendMessage({}, 'just text\r\n.\r\n');
    assert.match(queued[0] ?? '', /\n\njust text\n$/);
  });

  it('have the Received of a plugin that gives one', async () => {
    const { queued } = await sendMessage({ received_line: () => ({ code: 'OK', value: 'from nowhere' }) });
    assert.match(queued[0] ?? '', /^Received: from nowhere$/m);
  });
});

describe('bare line feeds', () => {
  it('end commands too', async () => {
    const talk = await begin();
    assert.equal(await talk.send('NOOP\nNOOP\r\nNOOP\n'), '250 2.0.0 ok\n250 2.0.0 ok\n250 2.0.0 ok');
  });

  it('in a message are line ends by default', async () => {
    const { reply, queued } = await sendMessage({}, 'Subject: x\n\none\ntwo\r\n.\r\n');
    assert.equal(reply, '250 2.0.0 queued');
    assert.match(queued[0] ?? '', /\n\none\ntwo\n$/);
  });

  it('are refused from the networks of bare_newline alone', async () => {
    const policy = ['198.51.100.0/24 normalize', '198.51.0.0/16 reject', '203.0.113. reject'];
    const reply = async (ip: string) => {
      const talk = await begin({ config: { bare_newline: policy }, client: { ip, host: 'c.example' } });
      await talk.openData();
      return talk.send('Subject: x\n\ntext\r\n.\r\n');
    };
    assert.match(await reply('192.0.2.1'), /^250 /);
    assert.match(await reply('198.51.100.1'), /^250 /);
    assert.match(await reply('198.51.2.1'), /^521 5\.5\.2 /);
    assert.match(await reply('203.0.113.1'), /^521 5\.5\.2 /);
  });

  for (const mark of ['\n.\r\n', '\r\n.\n', '\n.\n', '\r.\r\n', '\r\n.\r\r\n']) {
    it(`around a lone dot end the connection: ${JSON.stringify(mark)} (quirk 1)`, async () => {
      const { talk, reply, queued } = await sendMessage(
        {},
        `Subject: x\r\n\r\none${mark}MAIL FROM:<x@x.example>\r\n`,
      );
      assert.match(reply, /^421 4\.5\.2 [^\n]*$/);
      assert.ok(talk.isClosed);
      assert.deepEqual(queued, []);
    });
  }
});
