import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { Address } from 'qpsmtpd';
import plugin from '../../../plugins/queue/qmail-queue.ts';
import { makeStandIn } from '../../support/qmail-queue-stand-in.ts';
import { BODY, HEADER, oddAddresses, setUpQueue, shown } from '../../support/queue-plugin.ts';

const MESSAGE = `${HEADER}\r\n${BODY}`.replaceAll('\r\n', '\n');

describe('qmail-queue gets', () => {
  for (const spooled of [false, true]) {
    it(`the message with LF from ${spooled ? 'the spool' : 'memory'}, and the envelope`, async () => {
      const standIn = makeStandIn();
      const queue = setUpQueue(plugin, standIn.path);
      const recipients = ['<user@example.org>', '<other@example.com>'];
      const { verdict } = await queue.deliver({ recipients, spooled });
      assert.equal(shown(verdict), 'OK queued');
      const envelope = 'Fsender@example.net\0Tuser@example.org\0Tother@example.com\0\0';
      assert.deepEqual(standIn.queued(), [{ message: MESSAGE, envelope }]);
      assert.deepEqual(queue.log, [`info pass, queued by ${standIn.path}`]);
    });
  }

  it('every octet of the body', async () => {
    const standIn = makeStandIn();
    const all = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    const body = Buffer.concat([all, Buffer.from('\r\n.\r\n..\r\n\0\0\r\nT\0F\0\0'), all]);
    await setUpQueue(plugin, standIn.path).deliver({ body });
    const [queued] = standIn.queued();
    const expected = `${HEADER}\r\n${body.toString('latin1')}`.replaceAll('\r\n', '\n');
    assert.ok(queued?.message === expected);
  });

  it('a big message from the spool whole', async () => {
    const standIn = makeStandIn();
    const body = `${'x'.repeat(75)}\r\n`.repeat(100_000);
    assert.equal(
      (await setUpQueue(plugin, standIn.path).deliver({ body, spooled: true })).verdict.code,
      'OK',
    );
    assert.equal(standIn.queued()[0]?.message.length, HEADER.length - 3 + 1 + 76 * 100_000);
  });

  it('a bounce with an empty sender, and addresses in UTF-8 (RFC 6531)', async () => {
    const standIn = makeStandIn();
    await setUpQueue(plugin, standIn.path).deliver({ sender: '<>', recipients: ['<用户@bücher.example>'] });
    const envelope = Buffer.from('F\0T用户@bücher.example\0\0').toString('latin1');
    assert.equal(standIn.queued()[0]?.envelope, envelope);
  });

  it('every address as one word with the quotes of SMTP (quirk 24c), or without them where that is asked for', async () => {
    for (const [words, form] of [
      ['', (path: string) => path.slice(1, -1)],
      [' addresses plain', (path: string) => plainForm(path)],
    ] as const) {
      const standIn = makeStandIn();
      await setUpQueue(plugin, `${standIn.path}${words}`).deliver({ recipients: oddAddresses });
      const expected = oddAddresses.map((path) => `T${form(path)}\0`).join('');
      assert.equal(standIn.queued()[0]?.envelope, `Fsender@example.net\0${expected}\0`);
    }
  });

  it('nothing with an address that would be two', async () => {
    const standIn = makeStandIn();
    const queue = setUpQueue(plugin, standIn.path);
    const recipients = [new Address('a\0Troot', 'example.org')];
    assert.equal(
      shown((await queue.deliver({ recipients })).verdict),
      'DENY 5.1.3 an address cannot be handed on',
    );
    assert.deepEqual(standIn.queued(), []);
  });

  it('the environment of the server', async () => {
    const { verdict } = await setUpQueue(plugin, '', { env: { QMAILQUEUE: makeStandIn().path } }).deliver();
    assert.equal(verdict.code, 'OK');
  });
});

describe('exit codes', () => {
  const cases: [code: number, verdict: string][] = [
    [1, 'DENYSOFT 4.3.0 qq unknown error 1'],
    [11, 'DENY 5.1.3 qq envelope address too long'],
    [31, 'DENY 5.7.1 qq mail server permanently rejected message'],
    [40, 'DENY 5.3.0 qq unknown error 40'],
    [41, 'DENYSOFT 4.3.0 qq unknown error 41'],
    [51, 'DENYSOFT 4.3.0 qq out of memory'],
    [53, 'DENYSOFT 4.3.1 qq write error or disk full'],
    [71, 'DENYSOFT 4.3.0 qq mail server temporarily rejected message'],
    [82, 'DENYSOFT 4.3.0 qq unknown error 82'],
    [91, 'DENYSOFT 4.3.0 qq internal bug, bad envelope'],
    [115, 'DENY 5.1.3 qq envelope address too long'],
  ];
  for (const [code, expected] of cases) {
    it(`${code} is ${expected}`, async () => {
      const standIn = makeStandIn();
      standIn.instruct(`exit ${code}`);
      const queue = setUpQueue(plugin, standIn.path);
      assert.equal(shown((await queue.deliver()).verdict), expected);
      assert.match(queue.log[0] ?? '', new RegExp(`^notice fail, .* ended with ${code}: `));
    });
  }

  for (const fd of [2, 4, 6]) {
    it(`82 has its words on descriptor ${fd}`, async () => {
      const standIn = makeStandIn();
      const queue = setUpQueue(plugin, standIn.path);
      standIn.instruct(`say ${fd} Dyou are a spammer\nmore`);
      assert.equal(shown((await queue.deliver()).verdict), 'DENY 5.7.1 you are a spammer');
      standIn.instruct(`say ${fd} Z4.2.2 come again`);
      assert.equal(shown((await queue.deliver()).verdict), 'DENYSOFT 4.2.2 come again');
      standIn.instruct(`say ${fd} D4.2.2 a status of the other kind`);
      assert.equal(shown((await queue.deliver()).verdict), 'DENY 5.2.2 a status of the other kind');
    });
  }
});

describe('a qmail-queue that', () => {
  const FAILED = 'DENYSOFT 4.3.0 the message could not be queued, try again later';
  const big = { body: 'x'.repeat(78).concat('\r\n').repeat(50_000) };

  it('dies in the middle of the message is a refusal for now', async () => {
    const standIn = makeStandIn();
    standIn.instruct('die 1000');
    const queue = setUpQueue(plugin, standIn.path);
    assert.equal(shown((await queue.deliver(big)).verdict), FAILED);
    assert.match(queue.log[0] ?? '', /^error error, .* was killed by SIGKILL$/);
  });

  it('ends at once with an error gives its code, though the message cannot be written', async () => {
    const standIn = makeStandIn();
    standIn.instruct('leave 53');
    const { verdict } = await setUpQueue(plugin, standIn.path).deliver(big);
    assert.equal(shown(verdict), 'DENYSOFT 4.3.1 qq write error or disk full');
  });

  it('says it is well without having read the message has not queued it', async () => {
    const standIn = makeStandIn();
    standIn.instruct('leave 0');
    const queue = setUpQueue(plugin, standIn.path);
    // Only what does not fit into a pipe shows it.
    assert.equal(shown((await queue.deliver(big)).verdict), FAILED);
    assert.match(queue.log[0] ?? '', / ended before it had read the whole message$/);
  });

  for (const instruction of ['hang', 'deaf']) {
    it(`does not come to its end (${instruction}) is ended with its time`, async () => {
      const standIn = makeStandIn();
      standIn.instruct(instruction);
      const queue = setUpQueue(plugin, `${standIn.path} run_timeout 1`);
      assert.equal(shown((await queue.deliver(big)).verdict), FAILED);
      assert.match(queue.log[0] ?? '', / took too long and was ended$/);
      assert.deepEqual(standIn.running(), []);
    });
  }

  it('waits for the message of a client that goes is ended, and queues nothing', async () => {
    const standIn = makeStandIn();
    standIn.instruct('deaf');
    const client = new AbortController();
    const queue = setUpQueue(plugin, standIn.path);
    const delivery = queue.deliver({ ...big, signal: client.signal });
    while (standIn.running().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    client.abort();
    assert.equal(shown((await delivery).verdict), FAILED);
    assert.deepEqual([standIn.running(), standIn.queued()], [[], []]);
  });

  it('cannot be had is a mistake at the start', () => {
    const complaint = (path: string) => ({ message: `${path} is no program that can be run` });
    assert.throws(() => setUpQueue(plugin, '/nowhere/qq'), complaint('/nowhere/qq'));
    assert.throws(() => setUpQueue(plugin), complaint('/var/qmail/bin/qmail-queue'));
    assert.throws(() => setUpQueue(plugin, '', { env: { QMAIL: '/q' } }), complaint('/q/bin/qmail-queue'));
    assert.throws(() => setUpQueue(plugin, import.meta.dirname), complaint(import.meta.dirname));
    assert.throws(() => setUpQueue(plugin, 'bin/qq'), /"bin\/qq" is not an absolute path/);
  });
});

test('more messages than may run at once all get their turn', async () => {
  const standIn = makeStandIn();
  const queue = setUpQueue(plugin, `${standIn.path} concurrency 2`);
  const verdicts = await Promise.all(Array.from({ length: 8 }, () => queue.deliver()));
  assert.deepEqual(new Set(verdicts.map(({ verdict }) => verdict.code)), new Set(['OK']));
  assert.equal(standIn.queued().length, 8);
});

test('who goes before it is his turn has nothing queued', async () => {
  const standIn = makeStandIn();
  standIn.instruct('hang');
  const queue = setUpQueue(plugin, `${standIn.path} concurrency 1 run_timeout 1`);
  const client = new AbortController();
  const [first, second] = [queue.deliver(), queue.deliver({ signal: client.signal })];
  setImmediate(() => client.abort());
  assert.equal(shown((await second).verdict), 'DENYSOFT 4.3.0 it took too long, try again later');
  assert.equal((await first).verdict.code, 'DENYSOFT');
});

/** The address without the quotes of its local part. */
function plainForm(path: string): string {
  const { localPart, domain } = Address.parse(path) ?? Address.nullSender;
  return domain === '' ? localPart : `${localPart}@${domain}`;
}
