import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageTransaction } from '../../src/message/message-transaction.ts';
import { Spool } from '../../src/message/spool.ts';
import { Address } from '../../src/protocol/address.ts';
import { DeliveredBefore } from '../../src/session/delivered-before.ts';

const DAY = 24 * 3600 * 1000;
const spool = new Spool({ dir: '/nowhere', perms: 0o700 }, 7);

interface Message {
  readonly sender?: string;
  readonly header?: string;
  readonly body?: string;
  readonly recipients?: readonly Address[];
}

const a = new Address('a', 'a.example');
const b = new Address('b', 'b.example');

async function message({
  sender = 's',
  header = 'Message-ID: <1@x>\r\n',
  body = 'body',
  recipients = [a, b],
}: Message = {}): Promise<MessageTransaction> {
  const transaction = new MessageTransaction({ spool, sizeThreshold: () => 1e6, now: () => new Date(0) });
  transaction.sender = new Address(sender, 's.example');
  for (const recipient of recipients) transaction.addRecipient(recipient);
  transaction.setHeader(Buffer.from(header), Buffer.from('\r\n'));
  await transaction.body.append([Buffer.from(body)]);
  return transaction;
}

describe('DeliveredBefore', () => {
  it('knows the recipients that have this message, for a day', async () => {
    const delivered = new DeliveredBefore();
    assert.ok(delivered.isEmpty);
    assert.equal(await delivered.remember(await message(), [a], 0), true);
    assert.deepEqual(await delivered.recall(await message(), 1), [a]);
    assert.deepEqual(await delivered.recall(await message(), DAY - 1), [a]);
    assert.deepEqual(await delivered.recall(await message(), DAY), []);
  });

  it('takes a local part in other letters for another recipient, a domain for the same', async () => {
    const delivered = new DeliveredBefore();
    await delivered.remember(await message(), [a], 0);
    const other = new Address('A', 'a.example');
    const same = new Address('a', 'A.Example');
    assert.deepEqual(await delivered.recall(await message({ recipients: [other, same] }), 1), [same]);
  });

  for (const [what, other] of [
    ['sender', { sender: 't' }],
    ['body', { body: 'b0dy' }],
    ['size', { body: 'body and more' }],
    ['Message-ID', { header: 'Message-ID: <2@x>\r\n' }],
    ['subject', { header: 'Message-ID: <1@x>\r\nSubject: x\r\n' }],
    ['text moved from a field to another', { header: 'Message-ID: <1@x>\r\nDate: x\r\n' }],
  ] as const) {
    it(`knows another ${what} for another message`, async () => {
      const delivered = new DeliveredBefore();
      await delivered.remember(await message({ header: 'Message-ID: <1@x>\r\nTo: x\r\n' }), [a], 0);
      assert.deepEqual(
        await delivered.recall(await message({ header: 'Message-ID: <1@x>\r\nTo: x\r\n', ...other }), 1),
        [],
      );
    });
  }

  it('forgets what the client has heard', async () => {
    const delivered = new DeliveredBefore();
    await delivered.remember(await message(), [a, b], 0);
    delivered.forget(await message(), [a]);
    assert.deepEqual(await delivered.recall(await message(), 1), [b]);
    delivered.forget(await message(), [b]);
    assert.ok(delivered.isEmpty);
  });

  it('is told to other workers, whose clocks are others, and to those of later', async () => {
    const other = new DeliveredBefore();
    const parent = new DeliveredBefore();
    const time = { other: 50, parent: 9 * DAY };
    const first = new DeliveredBefore((news) => {
      other.hear(news, time.other);
      parent.hear(news, time.parent);
    });
    await first.remember(await message(), [a, b], 7 * DAY);
    assert.deepEqual(await other.recall(await message(), 50 + DAY - 1), [a, b]);
    assert.deepEqual(await other.recall(await message(), 50 + DAY), []);
    time.parent += 1000;
    first.forget(await message(), [a]);
    assert.deepEqual(await other.recall(await message(), 60), [b]);
    const later = new DeliveredBefore();
    for (const news of parent.recent(time.parent)) later.hear(news, 5);
    assert.deepEqual(await later.recall(await message(), 5 + DAY - 1001), [b]);
    assert.deepEqual(await later.recall(await message(), 5 + DAY - 1000), []);
    assert.deepEqual(parent.recent(time.parent + DAY), []);
  });

  it('says nothing of what nobody had', async () => {
    let told = 0;
    const delivered = new DeliveredBefore(() => told++);
    delivered.forget(await message(), [a, b]);
    assert.equal(told, 0);
  });

  it('remembers nothing of a message without Message-ID', async () => {
    const delivered = new DeliveredBefore();
    assert.equal(await delivered.remember(await message({ header: 'Subject: x\r\n' }), [a], 0), false);
    assert.ok(delivered.isEmpty);
  });

  it('holds 10,000 recipients: the oldest go first, and those whose day is over', async () => {
    const delivered = new DeliveredBefore();
    const crowd = Array.from({ length: 10_000 }, (_, at) => new Address(`u${at}`, 'c.example'));
    await delivered.remember(await message(), [a], 0);
    await delivered.remember(await message(), crowd, 1);
    assert.deepEqual(
      await delivered.recall(await message({ recipients: [a, ...crowd.slice(0, 2)] }), 2),
      crowd.slice(0, 2),
    );
    await delivered.remember(await message(), [b], DAY + 1);
    assert.deepEqual(await delivered.recall(await message({ recipients: [...crowd, b] }), DAY + 1), [b]);
    delivered.forget(await message(), [b]);
    assert.ok(delivered.isEmpty);
  });
});
