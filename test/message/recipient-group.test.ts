import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deny } from '../../src/contract/verdict.ts';
import { MessageTransaction } from '../../src/message/message-transaction.ts';
import { RecipientGroup } from '../../src/message/recipient-group.ts';
import { Spool } from '../../src/message/spool.ts';
import { Address } from '../../src/protocol/address.ts';

const a = new Address('a', 'a.example');
const b = new Address('b', 'b.example');
const c = new Address('c', 'c.example');

function whole(): MessageTransaction {
  const spool = new Spool({ dir: '/nowhere', perms: 0o700 }, 7);
  const transaction = new MessageTransaction({ spool, sizeThreshold: () => 1000, now: () => new Date(0) });
  transaction.sender = new Address('s', 's.example');
  transaction.params = new Map([['SIZE', '5']]);
  transaction.acceptRecipient(a, new Map([['NOTIFY', 'NEVER']]));
  transaction.acceptRecipient(b, new Map());
  return transaction;
}

describe('RecipientGroup', () => {
  it('is the transaction but for its recipients', () => {
    const transaction = whole();
    const group = new RecipientGroup(transaction, [a]);
    assert.deepEqual(group.recipients, [a]);
    transaction.number = 3;
    for (const key of [
      'number',
      'sender',
      'params',
      'header',
      'body',
      'notes',
      'verdicts',
      'startedAt',
      'answersEach',
    ] as const) {
      assert.equal(group[key], transaction[key], key);
    }
    assert.equal(group.paramsOf(a).get('NOTIFY'), 'NEVER');
    assert.equal(group.content.size, transaction.content.size);
    group.addAuthResult('x=pass');
    assert.deepEqual(transaction.authResults, ['x=pass']);
    assert.match(group.tempFile(), /^\/nowhere\/0:7:0$/);
  });

  it('leaves its answers with the transaction', () => {
    const transaction = whole();
    const group = new RecipientGroup(transaction, [a]);
    group.answerRecipient(a, deny('no'));
    assert.equal(group.answerFor(a)?.code, 'DENY');
    assert.equal(transaction.answerFor(a)?.code, 'DENY');
    assert.equal(transaction.answerFor(b), null);
  });

  it('changes its own recipients and those of the transaction', () => {
    const transaction = whole();
    const group = new RecipientGroup(transaction, [a]);
    group.addRecipient(c);
    group.removeRecipient(new Address('A', 'a.example'));
    assert.deepEqual(group.recipients, [c]);
    assert.deepEqual(transaction.recipients, [b, c]);
    group.removeRecipient(b);
    assert.deepEqual(group.recipients, [c]);
  });
});
