// PRDR (draft-hall-prdr-00, as Exim speaks it): 353, one reply for each recipient, and one for the message. And
// plain SMTP, where recipients that the queue refuses cannot be told to the client.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deny, denySoft, disconnect, ok, type Verdict } from '../../src/contract/verdict.ts';
import { Address } from '../../src/protocol/address.ts';
import { begin, MESSAGE } from './support.ts';

interface Case {
  readonly verdict: Verdict;
  /** by local part */
  readonly answers?: Readonly<Record<string, Verdict>>;
  readonly mail?: string;
  readonly recipients?: readonly string[];
}

async function send({ verdict, answers = {}, mail = ' PRDR', recipients = ['b', 'c'] }: Case) {
  const talk = await begin({
    plugins: {
      actor: {
        queue: ({ transaction }) => {
          for (const [name, answer] of Object.entries(answers)) {
            const address = Address.parse(`<${name}@b.example>`);
            assert.ok(address);
            transaction.answerRecipient(address, answer);
          }
          return verdict;
        },
      },
    },
  });
  const opening = await talk.say(
    'EHLO client.example',
    `MAIL FROM:<a@a.example>${mail}`,
    ...recipients.map((name) => `RCPT TO:<${name}@b.example>`),
    'DATA',
  );
  assert.match(opening, /^354 /m);
  talk.stage.takeLog();
  return { talk, replies: (await talk.send(MESSAGE)).split('\n') };
}

const codes = (replies: readonly string[]) => replies.map((reply) => Number(reply.slice(0, 3)));

describe('PRDR', () => {
  it('is offered, and answers for each recipient and for the message', async () => {
    const { talk, replies } = await send({
      verdict: ok('stored'),
      answers: { c: denySoft('mailbox is full', '4.2.2') },
    });
    assert.deepEqual(replies, [
      '353 one reply for each recipient follows, then one for the message',
      '250 2.0.0 <b@b.example> stored',
      '452 4.2.2 <c@b.example> mailbox is full',
      '250 2.0.0 stored',
    ]);
    assert.equal(await talk.say('NOOP'), '250 2.0.0 ok');
    assert.match(await talk.say('EHLO c.example'), /^250[- ]PRDR$/m);
  });

  const no = deny('no');
  const later = denySoft('later');
  for (const [what, verdict, answers, expected] of [
    ['taken for all', ok(), {}, [353, 250, 250, 250]],
    ['refused for all', no, {}, [353, 552, 552, 552]],
    ['refused for all by their own answers', ok(), { b: no, c: no }, [353, 552, 552, 552]],
    ['put off for one, refused for the other', no, { b: later }, [353, 452, 552, 452]],
    ['put off for all by their own answers', ok(), { b: later, c: later }, [353, 452, 452, 452]],
    ['taken for one, whatever the queue says of the rest', no, { b: ok() }, [353, 250, 552, 250]],
  ] as const satisfies readonly (readonly [string, Verdict, Record<string, Verdict>, readonly number[]])[]) {
    it(`a message ${what}`, async () => {
      assert.deepEqual(codes((await send({ verdict, answers })).replies), expected);
    });
  }

  it('ends the connection with a verdict that says so', async () => {
    const { talk, replies } = await send({ verdict: disconnect(deny('no')) });
    assert.deepEqual(codes(replies), [353, 552, 552, 552]);
    assert.ok(talk.isClosed);
  });

  it('is plain SMTP with one recipient, and where MAIL does not ask for it', async () => {
    assert.deepEqual(codes((await send({ verdict: ok(), recipients: ['b'] })).replies), [250]);
    assert.deepEqual(codes((await send({ verdict: ok(), mail: '' })).replies), [250]);
  });

  it('has one reply where the message does not get to the queue', async () => {
    const talk = await begin({ plugins: { actor: { data_post: () => deny('no') } } });
    await talk.say(
      'EHLO c.example',
      'MAIL FROM:<> PRDR',
      'RCPT TO:<b@b.example>',
      'RCPT TO:<c@b.example>',
      'DATA',
    );
    assert.equal(await talk.send(MESSAGE), '552 5.7.1 no');
  });

  it('takes no value', async () => {
    const talk = await begin();
    await talk.say('EHLO c.example');
    assert.match(await talk.say('MAIL FROM:<> PRDR=yes'), /^501 5\.5\.4 /);
  });
});

describe('plain SMTP', () => {
  async function sendPlain(verdict: Verdict): Promise<{ replies: string[]; log: readonly string[] }> {
    const { talk, replies } = await send({ verdict, answers: { c: deny('no') }, mail: '' });
    return { replies, log: talk.stage.takeLog().filter((line) => line.includes('cannot be told')) };
  }

  it('says what the queue says, and tells the operator of recipients that are lost by it', async () => {
    const { replies, log } = await sendPlain(ok());
    assert.deepEqual(codes(replies), [250]);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /not for <c@b\.example>: the client cannot be told$/);
  });

  it('has nothing to tell where the client hears of the refusal', async () => {
    const { replies, log } = await sendPlain(deny('no'));
    assert.deepEqual(codes(replies), [552]);
    assert.deepEqual(log, []);
  });
});
