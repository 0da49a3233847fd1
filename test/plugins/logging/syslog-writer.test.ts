import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { LinkOwner, SyslogWay } from '../../../plugins/logging/_syslog-link.ts';
import { Notices } from '../../../plugins/logging/_syslog-notices.ts';
import { SyslogWriter } from '../../../plugins/logging/_syslog-writer.ts';
import { message } from './syslog-support.ts';

const LOST = 'error, log entries that were lost, as syslog did not take them in time:';
const LEFT = 'error, log entries that syslog did not take in time:';

interface FakeLink {
  readonly way: string;
  readonly owner: LinkOwner;
  /** texts of each call of `send` */
  readonly sent: string[][];
  state: 'open' | 'closed' | 'abandoned';
}

/** A writer whose ways do as the test says. */
function scene(names: readonly string[] = ['one']) {
  const links: FakeLink[] = [];
  const said: string[] = [];
  const time = { ms: 0 };
  const monotonic = () => time.ms;
  const ways = names.map(
    (way): SyslogWay => ({
      name: way,
      open(owner) {
        const link: FakeLink = { way, owner, sent: [], state: 'open' };
        links.push(link);
        return {
          send: (messages) => void link.sent.push(messages.map(({ text }) => text)),
          close: async () => {
            link.state = 'closed';
          },
          abandon: () => {
            link.state = 'abandoned';
          },
        };
      },
    }),
  );
  const notices = new Notices({ monotonic, say: (text) => said.push(text) });
  const writer = new SyslogWriter({ ways, notices, monotonic });
  const add = (...texts: string[]) => {
    for (const text of texts) writer.add([message(text)]);
  };
  const link = (at: number) => {
    const found = links.at(at);
    assert.ok(found, `there is no link ${at}`);
    return found;
  };
  const fail = (at: number, what = 'it is broken') => link(at).owner.failed({ what, advice: 'mend it' });
  return { writer, add, links, link, fail, said, time };
}

describe('the writer of logging/syslog', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('opens nothing before the process serves, and sends what waited then', async () => {
    const { writer, add, links, link } = scene();
    add('a');
    await turn();
    assert.equal(links.length, 0);
    writer.begin();
    assert.deepEqual(link(0).sent, [['a']]);
  });

  it('sends what comes in one turn of the event loop in one go', async () => {
    const { writer, add, link } = scene();
    writer.begin();
    add('a', 'b');
    add('c');
    await turn();
    add('d');
    await turn();
    assert.deepEqual(link(0).sent, [['a', 'b', 'c'], ['d']]);
  });

  it('takes the next way with all that was not taken, in order', async () => {
    const { writer, add, link, fail, said } = scene(['one', 'two']);
    writer.begin();
    add('a', 'b');
    await turn();
    link(0).owner.taken(1);
    add('c');
    fail(0);
    assert.deepEqual([link(1).way, link(1).sent], ['two', [['b', 'c']]]);
    link(1).owner.taken(2);
    assert.deepEqual(said, [
      'error, log entries do not get to syslog by one: it is broken (mend it); two is tried now',
      'syslog takes log entries again',
    ]);
  });

  it('waits longer each time when no way can be gone, and tells a cause once a minute', async () => {
    const { writer, add, links, link, fail, said, time } = scene();
    writer.begin();
    add('a');
    await turn();
    for (const wait of [250, 500, 1000]) {
      fail(-1);
      const before = links.length;
      mock.timers.tick(wait - 1);
      add(`after ${wait}`);
      await turn();
      assert.equal(links.length, before);
      mock.timers.tick(1);
      assert.equal(links.length, before + 1);
    }
    assert.deepEqual(link(-1).sent, [['a', 'after 250', 'after 500', 'after 1000']]);
    fail(-1, 'something else');
    assert.deepEqual(said, [
      'error, log entries do not get to syslog by one: it is broken (mend it); they wait, up to 1 MiB of them',
      'error, log entries do not get to syslog by one: something else (mend it); they wait, up to 1 MiB of them',
    ]);
    mock.timers.tick(30_000);
    time.ms = 60_000;
    fail(-1);
    assert.equal(said.length, 3);
  });

  it('is back at once where a link was a good one', async () => {
    const { writer, add, link, fail, time } = scene(['one', 'two']);
    writer.begin();
    add('a');
    await turn();
    time.ms = 30_001;
    fail(0);
    assert.deepEqual([link(1).way, link(1).sent], ['one', [['a']]]);
  });

  it('loses entries rather than keep more than 1 MiB, and says how many', async () => {
    const { writer, add, link, said, time } = scene();
    writer.begin();
    const long = 'x'.repeat(900);
    for (let count = 0; count < 2000; count++) add(long);
    await turn();
    const kept = link(0).sent.flat().length;
    assert.equal(kept, Math.floor(2 ** 20 / 1000));
    assert.deepEqual(said, [`${LOST} 1`]);
    time.ms = 60_000;
    link(0).owner.taken(1);
    assert.deepEqual(said.slice(1), [`${LOST} ${2000 - kept - 1}`]);
    // There is room for one.
    add(long, long);
    await turn();
    assert.equal(link(0).sent.at(-1)?.length, 1);
    link(0).owner.taken(kept);
    await writer.retire();
    assert.equal(said.at(-1), `${LOST} 1`);
  });

  it('retires when all is taken, and then closes', async () => {
    const { writer, add, link, said } = scene();
    writer.begin();
    add('a', 'b');
    let isOver = false;
    const over = writer.retire().then(() => {
      isOver = true;
    });
    await turn();
    link(0).owner.taken(1);
    await turn();
    assert.deepEqual([link(0).sent, isOver, link(0).state], [[['a', 'b']], false, 'open']);
    link(0).owner.taken(1);
    await over;
    assert.deepEqual([link(0).state, said], ['closed', []]);
  });

  it('retires without anything to send, and without opening anything', async () => {
    const { writer, links } = scene();
    await writer.retire();
    assert.equal(links.length, 0);
  });

  it('gives up on a daemon that does not take it in five seconds', async () => {
    const { writer, add, link, said } = scene();
    writer.begin();
    add('a', 'b');
    const over = writer.retire();
    await turn();
    mock.timers.tick(5000);
    await over;
    assert.deepEqual(
      [link(0).state, said],
      ['abandoned', [`${LEFT} 2; they are lost where the server ends now`]],
    );
  });

  it('gives up at once where no way can be gone', async () => {
    const { writer, add, fail, said } = scene(['one', 'two']);
    writer.begin();
    add('a');
    await turn();
    fail(0);
    fail(1);
    // It tries once more, as there is no later.
    const over = writer.retire();
    fail(2);
    fail(3);
    await over;
    assert.ok(said.at(-1)?.startsWith(`${LEFT} 1;`), said.join('\n'));
  });

  it('sends at once what comes after it has retired, and closes when that was all', async () => {
    const { writer, add, links, link } = scene();
    writer.begin();
    add('a');
    const over = writer.retire();
    link(0).owner.taken(1);
    await over;
    add('late');
    assert.deepEqual(link(1).sent, [['late']]);
    link(1).owner.taken(1);
    add('later');
    link(1).owner.taken(1);
    mock.timers.tick(5000);
    await turn();
    assert.deepEqual([links.length, link(1).state], [2, 'closed']);
  });

  it('that has retired gives up after some minutes, as each reload may leave one behind', async () => {
    const { writer, add, links, fail, said, time } = scene();
    writer.begin();
    add('a', 'b');
    await turn();
    fail(0);
    const over = writer.retire();
    fail(1);
    await over;
    for (let second = 0; second < 600; second++) {
      const before = links.length;
      time.ms += 1000;
      mock.timers.tick(1000);
      if (links.length > before) fail(-1);
    }
    const tries = links.length;
    assert.ok(tries > 5, `${tries} tries`);
    time.ms += 600_000;
    mock.timers.tick(600_000);
    assert.equal(links.length, tries);
    assert.equal(said.at(-1), `${LOST} 2`);
  });

  it('outlives a way that cannot be opened', async () => {
    const said: string[] = [];
    const monotonic = () => 0;
    const notices = new Notices({ monotonic, say: (text) => said.push(text) });
    const ways: SyslogWay[] = [
      {
        name: 'one',
        open() {
          throw new Error('spawn EMFILE');
        },
      },
    ];
    const writer = new SyslogWriter({ ways, notices, monotonic });
    writer.begin();
    writer.add([message('a')]);
    await turn();
    await writer.retire();
    assert.match(said.join('\n'), /^error, .* by one: spawn EMFILE \(it is tried again\)/);
    assert.ok(said.at(-1)?.startsWith(`${LEFT} 1;`), said.join('\n'));
  });
});
