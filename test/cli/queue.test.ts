// `qpsmtpd queue` as a process of its own, on a queue that no server runs.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MailSpool } from '../../src/spool/mail-spool.ts';
import { envelopeOf } from '../../src/spool/queued-envelope.ts';
import { spoolFiles } from '../../src/spool/spool-files.ts';
import { makeFolder } from '../support/maildir-queue.ts';
import { plainEnv, runProgram } from '../support/program.ts';
import { atOf, type Message } from '../support/spool-world.ts';

async function stage(messages: readonly Message[]) {
  const cwd = makeFolder();
  const dir = join(cwd, 'queue');
  let time = Date.now() - 3_600_000;
  const clock = { now: () => new Date(time++), monotonic: () => 0 };
  const spool = new MailSpool(dir, spoolFiles, clock);
  await spool.prepare();
  const ids: string[] = [];
  for (const message of messages) {
    const id = spool.newId();
    const { connection, transaction } = atOf(message);
    const { content } = transaction;
    const pieces = [content.inMemory('as-received') ?? []];
    const envelope = envelopeOf(connection, transaction, clock.now());
    await spool.put({ id, envelope, size: content.size, pieces, isOver: () => false });
    ids.push(id);
  }
  mkdirSync(join(cwd, 'config'));
  const plugins = (text: string) => writeFileSync(join(cwd, 'config', 'plugins'), `${text}\n`);
  plugins('rcpt_ok\nqueue/spool queue retry 60 via queue/discard');
  return {
    ids,
    plugins,
    names: (folder: string) => readdirSync(join(dir, folder)),
    file: (id: string) => join(dir, 'queue', id),
    run: (...args: readonly string[]) => runProgram(['queue', ...args], { cwd, env: plainEnv(cwd) }),
    configured: (...args: readonly string[]) =>
      runProgram(['queue', ...args, '--config', 'config'], { cwd, env: plainEnv(cwd) }),
  };
}

const two: readonly Message[] = [
  { recipients: ['<a@example.org>', '<b@example.org>'], params: new Map([['BODY', '8BITMIME']]) },
  { sender: '<>', recipients: ['<c@example.org>'], text: 'Subject: \x1b[31mred\r\n\r\nx' },
];

describe('qpsmtpd queue', () => {
  it('lists what waits, in the folder that config/plugins names', async () => {
    const { ids, configured } = await stage(two);
    const { code, stdout, stderr } = await configured('list');
    assert.equal(code, 0, stderr);
    const [head = '', first = '', second = '', last = ''] = stdout.split('\n');
    assert.match(head, /^NAME +AGE +SIZE +TRIES +NEXT TRY +SENDER > RECIPIENTS$/);
    assert.match(
      first,
      new RegExp(`^${ids[0]} +1 h +24 B +0 +now +<sender@example\\.net> > <a@example\\.org> and 1 more$`),
    );
    assert.match(second, new RegExp(`^${ids[1]} +1 h +22 B +0 +now +<> > <c@example\\.org>$`));
    assert.equal(last, '2 messages, 46 B');
  });

  it('shows a message, harmless for a terminal', async () => {
    const { ids, configured } = await stage(two);
    const first = await configured('show', ids[0] ?? '');
    assert.match(first.stdout, /^Sender: {5}<sender@example\.net> BODY=8BITMIME$/m);
    assert.match(first.stdout, /^Recipient: {2}<b@example\.org> waiting$/m);
    const { code, stdout } = await configured('show', ids[1] ?? '');
    assert.equal(code, 0);
    assert.match(stdout, /^Subject: \?\[31mred$/m);
    assert.match(stdout, /^Received: {3}\S+ from 192\.0\.2\.7 \(client\.example\)$/m);
  });

  it('tells all that as JSON', async () => {
    const { ids, run } = await stage(two);
    const list = JSON.parse((await run('list', '--dir', 'queue', '--json')).stdout);
    assert.deepEqual(
      list.map(({ id }: { id: string }) => id),
      ids,
    );
    assert.equal('header' in list[0], false);
    const shown = JSON.parse((await run('show', ids[0] ?? '', '--dir', 'queue', '--json')).stdout);
    assert.deepEqual([shown.size, shown.header, shown.recipients.length], [24, 'Subject: test\r\n', 2]);
    const none = await stage([]);
    assert.equal((await none.run('list', '--dir', 'queue', '--json')).stdout, '[]\n');
  });

  it('holds, releases, deletes, and leaves word for the server', async () => {
    const { ids, run, names } = await stage(two);
    const [first = '', second = ''] = ids;
    assert.equal((await run('hold', first, second, '--dir', 'queue')).code, 0);
    assert.deepEqual([names('queue'), names('hold').sort()], [[], ids]);
    assert.match((await run('list', '--dir', 'queue')).stdout, new RegExp(`^${first} .* held `, 'm'));
    assert.equal((await run('release', first, '--dir', 'queue')).code, 0);
    assert.deepEqual([names('queue'), names('control')], [[first], [`flush.${first}`]]);
    assert.equal((await run('flush', '--dir', 'queue')).code, 0);
    assert.deepEqual(names('control').sort(), ['flush', `flush.${first}`]);
    assert.equal((await run('delete', first, second, '--dir', 'queue')).code, 0);
    const { code, stdout } = await run('list', '--dir', 'queue');
    assert.deepEqual([code, stdout], [0, 'The queue is empty.\n']);
  });

  it('names a message that cannot be read', async () => {
    const { ids, run, file } = await stage(two);
    truncateSync(file(ids[0] ?? ''), 100);
    const { code, stdout } = await run('list', '--dir', 'queue');
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^${ids[0]} +never +the file is shorter than it says$`, 'm'));
  });

  for (const [what, args, code, sentence] of [
    ['an unknown action', ['look'], 2, /^error: "look" is none of list, show, flush/],
    ['no action', [], 2, /^error: one of list, show, flush, .* is needed/],
    ['show without a name', ['show'], 2, /^error: show needs the name of a message/],
    ['list with a name', ['list', 'x'], 2, /^error: list takes no names/],
    ['a message that is not there', ['show', '0abc-0-1'], 1, /^error: 0abc-0-1: there is no such message/],
    ['a name that leads elsewhere', ['delete', '../lock'], 1, /^error: \.\.\/lock: there is no such message/],
    [
      'a folder that is not there',
      ['list', '--dir', 'nowhere'],
      1,
      /^error: \S*\/nowhere: there is no such folder/,
    ],
    ['a folder that is no queue', ['list', '--dir', 'config'], 1, /^error: ENOENT/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { configured } = await stage([]);
      const outcome = await configured(...args);
      assert.equal(outcome.code, code);
      assert.match(outcome.stderr, sentence);
      assert.equal(outcome.stdout, '');
    });
  }

  it('asks for --dir where config/plugins has no queue/spool, or two', async () => {
    const { plugins, configured } = await stage([]);
    plugins('queue/discard');
    assert.match(
      (await configured('list')).stderr,
      /^error: config\/plugins has no line with queue\/spool: /,
    );
    plugins('queue/spool a via queue/discard\nqueue/spool:2 b via queue/discard');
    const { code, stderr } = await configured('list');
    assert.match(stderr, /^error: config\/plugins has several lines with queue\/spool: /);
    assert.equal(code, 1);
  });
});
