import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { MessageTransaction } from '../../src/message/message-transaction.ts';
import { Spool } from '../../src/message/spool.ts';
import { Address } from '../../src/protocol/address.ts';

function begin(t: TestContext, sizeThreshold = 1000) {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-transaction-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const spool = new Spool({ dir, perms: 0o700 }, 7);
  const times = [new Date(1000), new Date(2000)];
  const now = () => times.shift() ?? new Date(3000);
  return { dir, transaction: new MessageTransaction({ spool, sizeThreshold: () => sizeThreshold, now }) };
}

const alice = new Address('alice', 'a.example');
const bob = new Address('bob', 'b.example');

describe('the envelope', () => {
  it('is empty at first', (t) => {
    const { transaction } = begin(t);
    assert.equal(transaction.sender, null);
    assert.deepEqual([transaction.recipients, transaction.params.size], [[], 0]);
  });

  it('keeps recipients in order, each with its parameters', (t) => {
    const { transaction } = begin(t);
    transaction.addRecipient(alice, new Map([['NOTIFY', 'NEVER']]));
    transaction.addRecipient(bob);
    assert.deepEqual(transaction.recipients, [alice, bob]);
    assert.deepEqual(transaction.paramsOf(alice), new Map([['NOTIFY', 'NEVER']]));
    assert.equal(transaction.paramsOf(bob).size, 0);
  });

  it('removes a recipient by its address in any case, one at a time', (t) => {
    const { transaction } = begin(t);
    for (const recipient of [alice, bob, alice]) transaction.addRecipient(recipient);
    transaction.removeRecipient(new Address('ALICE', 'A.example'));
    assert.deepEqual(transaction.recipients, [bob, alice]);
    transaction.removeRecipient(new Address('carol', 'c.example'));
    assert.deepEqual(transaction.recipients, [bob, alice]);
  });
});

describe('the parts of a transaction', () => {
  it('begin when they are first asked for, and stay', (t) => {
    const { transaction } = begin(t);
    assert.equal(transaction.holdsResources, false);
    assert.deepEqual(transaction.startedAt, new Date(1000));
    assert.deepEqual(transaction.startedAt, new Date(1000));
    assert.equal(transaction.header, transaction.header);
    assert.equal(transaction.body, transaction.body);
    assert.equal(transaction.holdsResources, true);
  });

  it('are one message', (t) => {
    const { transaction } = begin(t);
    transaction.setHeader(Buffer.from('A: b\r\n'), Buffer.from('\r\n'));
    transaction.body.append([Buffer.from('text\r\n')]);
    const pieces = transaction.content.inMemory('lf') ?? assert.fail('is in memory');
    assert.equal(Buffer.concat([...pieces]).toString(), 'A: b\n\ntext\n');
    assert.equal(transaction.header.get('a'), 'b');
  });

  it('collect results of authentication', (t) => {
    const { transaction } = begin(t);
    assert.deepEqual(transaction.authResults, []);
    transaction.addAuthResult('spf=pass');
    transaction.addAuthResult('dkim=none');
    assert.deepEqual(transaction.authResults, ['spf=pass', 'dkim=none']);
  });

  it('keep notes and verdicts', (t) => {
    const { transaction } = begin(t);
    transaction.notes.set('whitelistsender', 'friend');
    transaction.verdicts.add({ plugin: 'p', hook: 'mail' }, 'OK');
    assert.equal(transaction.notes.get('whitelistsender'), 'friend');
    assert.equal(transaction.verdicts.codeOf('p', 'mail'), 'OK');
  });
});

describe('temporary files', () => {
  it('have names of their own: SECONDS:PID:COUNT', (t) => {
    const { dir, transaction } = begin(t);
    const names = [transaction.tempFile(), transaction.tempFile()];
    assert.deepEqual(names, [join(dir, '1:7:0'), join(dir, '2:7:1')]);
    assert.deepEqual(readdirSync(dir), []);
  });

  it('and folders are removed with the transaction, with all that is in them', async (t) => {
    const { dir, transaction } = begin(t);
    writeFileSync(transaction.tempFile(), 'x');
    transaction.tempFile();
    const folder = await transaction.tempDir();
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    writeFileSync(join(folder, 'y'), 'y');
    assert.equal(readdirSync(dir).length, 2);
    await transaction.dispose();
    assert.deepEqual(readdirSync(dir), []);
    await transaction.dispose();
  });

  it('are removed even where the spooled body cannot be closed', async (t) => {
    const { transaction } = begin(t, 0);
    await transaction.body.append([Buffer.from('x')]);
    const file = transaction.tempFile();
    writeFileSync(file, 'x');
    const disposed = transaction.body.dispose.bind(transaction.body);
    t.after(disposed);
    t.mock.method(transaction.body, 'dispose', () => Promise.reject(new Error('cannot be closed')));
    await assert.rejects(transaction.dispose(), /cannot be closed/);
    assert.equal(existsSync(file), false);
  });

  it('cannot be had once the transaction is over', (t) => {
    const { transaction } = begin(t);
    transaction.end();
    assert.throws(() => transaction.tempFile(), /is over/);
  });

  it('of a missing spool_dir say so', async () => {
    const dir = join(tmpdir(), 'qpsmtpd-none', 'missing');
    const spool = new Spool({ dir, perms: 0o700 }, 7);
    const transaction = new MessageTransaction({ spool, sizeThreshold: () => 0, now: () => new Date(0) });
    await assert.rejects(transaction.tempDir(), { code: 'ENOENT' });
    assert.equal(basename(transaction.tempFile()), '0:7:1');
  });
});
