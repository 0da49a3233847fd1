// LMTP (RFC 2033 section 4.2): one reply for each RCPT that was accepted, in their order, whatever plugins do.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { declined, deny, denySoft, disconnect, done, ok } from '../../src/contract/verdict.ts';
import { Address } from '../../src/protocol/address.ts';
import { begin, MESSAGE, type Talk } from './support.ts';

const CLIENT = { ip: '127.0.0.1', host: 'localhost', service: { tls: false, lmtp: true } };

/** Up to 354, with three accepted recipients of which two are the same. */
async function opened(hooks: HookTable): Promise<Talk> {
  const talk = await begin({ plugins: { 'queue/actor': hooks }, client: CLIENT });
  const replies = await talk.say(
    'LHLO client.example',
    'MAIL FROM:<a@a.example>',
    'RCPT TO:<b@b.example>',
    'RCPT TO:<c@c.example>',
    'RCPT TO:<b@b.example>',
    'DATA',
  );
  assert.match(replies, /^354 /m);
  return talk;
}

async function replyTo(hooks: HookTable): Promise<string[]> {
  const talk = await opened(hooks);
  const replies = (await talk.send(MESSAGE)).split('\n');
  if (!talk.isClosed) assert.equal(await talk.say('RSET'), '250 2.0.0 ok');
  return replies;
}

const C = Address.parse('<c@c.example>');
assert.ok(C);

describe('LMTP', () => {
  it('gives each recipient what the queue says of it', async () => {
    const replies = await replyTo({
      queue: ({ transaction }) => {
        transaction.answerRecipient(C, deny('no such mailbox', '5.1.1'));
        return ok('stored');
      },
    });
    assert.deepEqual(replies, [
      '250 2.0.0 <b@b.example> stored',
      '552 5.1.1 <c@c.example> no such mailbox',
      '250 2.0.0 <b@b.example> stored',
    ]);
  });

  for (const [hook, verdict, code, closes] of [
    ['data_headers_end', deny('no'), 554, false],
    ['data_post_headers', denySoft('no'), 452, false],
    ['data_post', deny('no'), 552, false],
    ['queue_pre', deny('no'), 552, false],
    ['queue', denySoft('no'), 452, false],
    ['queue', declined, 451, false],
    ['data_post', disconnect(deny('no')), 552, true],
    ['queue', disconnect(denySoft('no')), 452, true],
    // Without words of its own the plugin leaves the client waiting, who counts replies.
    ['data_post', done(), 451, false],
    ['queue', done(), 451, false],
  ] as const) {
    it(`repeats ${verdict.code} of ${hook} for each recipient`, async () => {
      const talk = await opened({ [hook]: () => verdict });
      const replies = (await talk.send(MESSAGE)).split('\n');
      assert.deepEqual(
        replies.map((reply) => Number(reply.slice(0, 3))),
        [code, code, code],
      );
      assert.equal(talk.isClosed, closes);
    });
  }

  it('counts the recipients that the client knows of, not those that plugins have made of them', async () => {
    const replies = await replyTo({
      data_post: ({ transaction }) => {
        transaction.removeRecipient(C);
        const more = Address.parse('<archive@b.example>');
        assert.ok(more);
        transaction.addRecipient(more);
        return declined;
      },
      queue: () => ok(),
    });
    assert.deepEqual(
      replies.map((reply) => reply.split(' ')[2]),
      ['<b@b.example>', '<c@c.example>', '<b@b.example>'],
    );
  });

  it('gives one reply where DATA itself is refused', async () => {
    const talk = await begin({ plugins: { actor: { data: () => deny('no') } }, client: CLIENT });
    const replies = await talk.say(
      'LHLO c.example',
      'MAIL FROM:<>',
      'RCPT TO:<b@b.example>',
      'RCPT TO:<c@c.example>',
      'DATA',
      'NOOP',
    );
    assert.deepEqual(replies.split('\n').slice(-2), ['554 5.7.1 no', '250 2.0.0 ok']);
  });

  it('says LHLO to plugins, and runs the hooks of EHLO', async () => {
    const seen: string[] = [];
    const talk = await begin({
      plugins: {
        actor: {
          ehlo: ({ connection }, host) => {
            seen.push(`${host} ${connection.service.lmtp}`);
            return host === 'bad.example' ? deny() : declined;
          },
          mail: ({ connection }) => {
            seen.push(connection.hello?.verb ?? '');
            return declined;
          },
        },
      },
      client: CLIENT,
    });
    assert.match(await talk.say('LHLO bad.example'), /^550 /);
    await talk.say('LHLO good.example', 'MAIL FROM:<>');
    assert.deepEqual(seen, ['bad.example true', 'good.example true', 'lhlo']);
  });

  it('takes long lines behind LHLO', async () => {
    const talk = await begin({ client: CLIENT });
    const long = `NOOP ${'x'.repeat(600)}`;
    assert.match(await talk.say(long), /^500 5\.5\.2 /);
    await talk.say('LHLO client.example');
    assert.match(await talk.say(long), /^250 /);
  });

  it('ends the connection when the server breaks behind a message: nobody can tell how many replies are due', async () => {
    const talk = await opened({
      queue: ({ transaction }) => {
        transaction.answerRecipient(C, { code: 'NONSENSE' as never, text: [] });
        return ok();
      },
    });
    const replies = (await talk.send(MESSAGE)).split('\n');
    assert.match(replies.at(-1) ?? '', /^451 /);
    assert.ok(talk.isClosed);
  });
});

describe('TLS from the first octet on', () => {
  it('says nothing in clear where no plugin has begun TLS', async () => {
    const talk = await begin({ client: { ...CLIENT, service: { tls: true, lmtp: false } } });
    assert.equal(talk.greeting, '');
    assert.ok(talk.isClosed);
    assert.ok(talk.stage.takeLog().some((line) => line.includes('no plugin has begun TLS')));
  });
});
