// DONE at each hook: the plugin has dealt with it, its reply is sent as it stands or none is, and what the command
// would have done is not done (qpsmtpd: every *_respond begins with it).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { done, ok } from '../../src/contract/verdict.ts';
import { begin, MESSAGE, type Talk } from './support.ts';

const mine = { code: 299, lines: ['mine'] } as const;

async function serve(hooks: HookTable): Promise<{ talk: Talk; queued: string[] }> {
  const queued: string[] = [];
  const last: HookTable = {
    queue: ({ transaction }) => {
      queued.push(String(transaction.sender));
      return ok();
    },
  };
  const talk = await begin({ plugins: { actor: hooks, 'queue/last': last } });
  return { talk, queued };
}

describe('DONE', () => {
  it('at connect replaces the greeting, and the session goes on', async () => {
    const { talk } = await serve({ connect: () => done(mine) });
    assert.equal(talk.greeting, '299 mine');
    assert.equal(await talk.say('NOOP'), '250 2.0.0 ok');
  });

  it('at helo and ehlo leaves the client without a hello', async () => {
    const { talk } = await serve({ helo: () => done(mine), ehlo: () => done(mine) });
    assert.equal(await talk.say('HELO c.example', 'EHLO c.example'), '299 mine\n299 mine');
    assert.match(await talk.say('MAIL FROM:<>'), /^503 /);
  });

  it('at mail takes no sender', async () => {
    const { talk } = await serve({ mail: () => done(mine) });
    assert.match(
      await talk.say('EHLO c.example', 'MAIL FROM:<>', 'RCPT TO:<b@b.example>'),
      /299 mine\n503 [^\n]*$/,
    );
  });

  it('at rcpt takes no recipient', async () => {
    const { talk } = await serve({ rcpt: () => done(mine) });
    const replies = await talk.say('EHLO c.example', 'MAIL FROM:<>', 'RCPT TO:<b@b.example>', 'DATA');
    assert.match(replies, /299 mine\n503 5\.5\.1 say RCPT first$/);
  });

  it('at data reads no message, and keeps the transaction', async () => {
    let times = 0;
    const { talk, queued } = await serve({
      data: () => (times++ === 0 ? done(mine) : { code: 'DECLINED', text: [] }),
    });
    const replies = await talk.say(
      'EHLO c.example',
      'MAIL FROM:<a@a.example>',
      'RCPT TO:<b@b.example>',
      'DATA',
      'DATA',
    );
    assert.match(replies, /\n299 mine\n354 [^\n]*$/);
    await talk.send(MESSAGE);
    assert.deepEqual(queued, ['a@a.example']);
  });

  for (const hook of ['data_headers_end', 'data_post_headers', 'data_post', 'queue_pre', 'queue'] as const) {
    it(`at ${hook} is the answer to the message, which is not queued, and ends its transaction`, async () => {
      const { talk, queued } = await serve({ [hook]: () => done(mine) });
      await talk.openData();
      assert.equal(await talk.send(MESSAGE), '299 mine');
      assert.deepEqual(queued, []);
      assert.match(await talk.say('RCPT TO:<b@b.example>'), /^503 /);
    });
  }

  for (const [line, hook] of [
    ['VRFY u', 'vrfy'],
    ['NOOP', 'noop'],
    ['HELP', 'help'],
    ['XYZZY', 'unrecognized_command'],
  ] as const) {
    it(`at ${hook} is the answer to ${line}`, async () => {
      const { talk } = await serve({ [hook]: () => done(mine) });
      assert.equal(await talk.say(line, 'RSET'), '299 mine\n250 2.0.0 ok');
    });
  }

  it('at quit is the last word', async () => {
    const { talk } = await serve({ quit: () => done(mine) });
    assert.equal(await talk.say('QUIT', 'NOOP'), '299 mine');
    assert.ok(talk.isClosed);
  });

  it('without a reply sends nothing', async () => {
    const { talk } = await serve({ noop: () => done() });
    assert.equal(await talk.say('NOOP', 'RSET'), '250 2.0.0 ok');
  });
});
