// Queue plugins by recipient (config/queue_routes): who is asked for whom, what the client hears, and that a message
// comes to each recipient once, whatever has become of the others.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import {
  answer,
  declined,
  deny,
  denySoft,
  disconnect,
  done,
  ok,
  type Verdict,
} from '../../src/contract/verdict.ts';
import { begin, MESSAGE, openStage, Talk } from './support.ts';

const SMTP = { ip: '192.0.2.1', host: 'client.example' };
const LMTP = { ip: '127.0.0.1', host: 'localhost', service: { tls: false, lmtp: true } };
const NAMED = `Message-ID: <1@client.example>\r\nDate: Sat, 22 Nov 2026 10:00:00 +0000\r\n${MESSAGE}`;

interface Taken {
  /** `plugin: recipients` for each call */
  readonly calls: string[];
  readonly stage: Awaited<ReturnType<typeof openStage>>;
}

/** Three queue plugins a, b and c that answer as they are told, and note what they were given. */
async function openRouted(
  routes: readonly string[],
  answers: Readonly<Record<string, (count: number) => Verdict>> = {},
  more: Readonly<Record<string, HookTable>> = {},
): Promise<Taken> {
  const calls: string[] = [];
  const queue = (name: string): HookTable => {
    let count = 0;
    return {
      queue: ({ transaction }) => {
        calls.push(`${name}: ${transaction.recipients.join(' ')}`);
        return answers[name]?.(++count) ?? ok(`queued by ${name}`);
      },
    };
  };
  const plugins = { 'queue/a': queue('a'), 'queue/b': queue('b'), 'queue/c': queue('c'), ...more };
  return { calls, stage: await openStage({ plugins, config: { queue_routes: routes } }) };
}

async function send(
  { stage }: Taken,
  recipients: readonly string[],
  {
    message = NAMED,
    mail = '',
    client = SMTP,
  }: { message?: string; mail?: string; client?: typeof SMTP } = {},
): Promise<{ readonly reply: string; readonly log: string; readonly talk: Talk }> {
  const talk = new Talk(stage, client);
  await talk.replies();
  const replies = await talk.say(
    client === LMTP ? 'LHLO c.example' : 'EHLO c.example',
    `MAIL FROM:<s@s.example>${mail}`,
    ...recipients.map((one) => `RCPT TO:<${one}>`),
    'DATA',
  );
  assert.match(replies, /^354 /m);
  const reply = await talk.send(message);
  return { reply, log: stage.takeLog().join('\n'), talk };
}

const ROUTES = ['a.example queue/a', 'b.example queue/b', 'boss@a.example queue/b'];

describe('queue_routes', () => {
  it('gives each queue plugin its recipients, in the order of the plugins', async () => {
    const taken = await openRouted(ROUTES);
    const { reply } = await send(taken, ['x@other.example', 'x@b.example', 'x@a.example', 'boss@a.example']);
    assert.equal(reply, '250 2.0.0 queued by a; queued by b; queued by c');
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example boss@a.example', 'c: x@other.example']);
  });

  it('asks one plugin alone where all recipients are its own, with its own words', async () => {
    const taken = await openRouted(ROUTES);
    assert.equal((await send(taken, ['x@b.example', 'boss@a.example'])).reply, '250 2.0.0 queued by b');
    assert.deepEqual(taken.calls, ['b: x@b.example boss@a.example']);
  });

  it('asks the plugins that no route names, in order, for the others', async () => {
    const taken = await openRouted(['b.example queue/b'], { a: () => declined });
    assert.equal((await send(taken, ['x@other.example'])).reply, '250 2.0.0 queued by c');
    assert.deepEqual(taken.calls, ['a: x@other.example', 'c: x@other.example']);
  });

  it('asks all of them for the others where each is named', async () => {
    const taken = await openRouted([...ROUTES, 'c.example queue/c'], { a: () => declined });
    assert.equal((await send(taken, ['x@other.example'])).reply, '250 2.0.0 queued by b');
    assert.deepEqual(taken.calls, ['a: x@other.example', 'b: x@other.example']);
  });

  it('gives a recipient that comes twice the message once', async () => {
    const taken = await openRouted(ROUTES);
    await send(taken, ['x@a.example', 'x@b.example', 'x@A.example', 'X@b.example']);
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example X@b.example']);
  });

  it('refuses for now what is routed to a plugin that has gone, and says so in the log', async () => {
    const config: HookTable = {
      config: (_at, file) => (file === 'queue_routes' ? answer(['a.example queue/gone']) : declined),
    };
    const taken = await openRouted([], {}, { config });
    const { reply, log } = await send(taken, ['x@a.example']);
    assert.equal(reply, '452 4.3.5 the message cannot be queued now, try again later');
    assert.match(log, /error, queue_routes names queue\/gone, and there is no such queue plugin/);
    assert.deepEqual(taken.calls, []);
  });

  it('runs the hooks deny and ok for each plugin, and keeps the record of what they answered', async () => {
    const seen: unknown[] = [];
    const watcher: HookTable = {
      ok: (_at, plugin, hook) => void (hook === 'queue' && seen.push(`ok ${plugin}`)),
      deny: (_at, plugin, hook) => void (hook === 'queue' && seen.push(`deny ${plugin}`)),
      queue_post: ({ transaction }, outcome) => {
        const codes = ['queue/a', 'queue/b'].map((id) => transaction.verdicts.codeOf(id, 'queue'));
        seen.push(outcome.code, ...codes, transaction.recipients.length);
      },
    };
    const taken = await openRouted(ROUTES, { b: () => denySoft('later') }, { watcher });
    await send(taken, ['x@a.example', 'x@b.example']);
    assert.deepEqual(seen, ['ok queue/a', 'deny queue/b', 'DENYSOFT', 'OK', 'DENYSOFT', 2]);
  });

  it('lets a plugin find the cell that it made for the transaction', async () => {
    const { definePlugin } = await import('../../src/contract/plugin.ts');
    const { stageWith } = await import('../plugins/plugin-talk.ts');
    const seen: number[] = [];
    const counting = definePlugin({
      name: 'queue/counting',
      summary: 'counts',
      setup({ perTransaction }) {
        const cell = perTransaction(() => ({ count: 0 }));
        return {
          data_post: ({ transaction }) => {
            cell(transaction).count = 7;
            return declined;
          },
          queue: ({ transaction }) => {
            seen.push(cell(transaction).count);
            return ok();
          },
        };
      },
    });
    const stage = await stageWith(['queue/counting', 'queue/counting:1'], {
      plugins: { 'queue/counting': counting },
      config: { queue_routes: ['a.example queue/counting:1'] },
    });
    await send({ calls: [], stage }, ['x@a.example', 'x@b.example']);
    assert.deepEqual(seen, [7, 7]);
  });
});

describe('a client of SMTP', () => {
  it('hears a refusal for now of one target, and the other recipients get the message once', async () => {
    const taken = await openRouted(ROUTES, {
      b: (count) => (count < 3 ? denySoft('later', '4.2.1') : ok('b at last')),
    });
    const both = ['x@a.example', 'x@b.example'];
    const first = await send(taken, both);
    assert.equal(first.reply, '452 4.2.1 later');
    assert.match(
      first.log,
      /fail, the message is refused, but <x@a\.example> got it: it is not delivered there again/,
    );
    assert.equal((await send(taken, both)).reply, '452 4.2.1 later');
    const last = await send(taken, both);
    assert.equal(last.reply, '250 2.0.0 b at last');
    assert.match(last.log, /pass, <x@a\.example> has this message since it came before: not delivered again/);
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example', 'b: x@b.example', 'b: x@b.example']);
    // It is over with that one: the same once more is another message.
    await send(taken, ['x@a.example']);
    assert.equal(taken.calls.at(-1), 'a: x@a.example');
  });

  it('may send it to each recipient by itself the next time', async () => {
    const taken = await openRouted(ROUTES, { b: (count) => (count < 2 ? denySoft() : ok('b at last')) });
    await send(taken, ['x@a.example', 'x@b.example']);
    assert.equal((await send(taken, ['x@a.example'])).reply, '250 2.0.0 queued before');
    assert.equal((await send(taken, ['x@b.example'])).reply, '250 2.0.0 b at last');
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example', 'b: x@b.example']);
  });

  it('is not believed when the message is another one', async () => {
    for (const message of [
      NAMED.replace('body', 'b0dy'),
      NAMED.replace('<1@', '<2@'),
      NAMED.replace('10:00', '10:01'),
      NAMED.replace('Subject: x', 'Subject: y'),
    ]) {
      const taken = await openRouted(ROUTES, { b: () => denySoft() });
      await send(taken, ['x@a.example', 'x@b.example']);
      await send(taken, ['x@a.example'], { message });
      assert.equal(taken.calls.at(-1), 'a: x@a.example');
    }
  });

  it('is known again when only trace fields differ', async () => {
    const taken = await openRouted(ROUTES, { b: () => denySoft() });
    await send(taken, ['x@a.example', 'x@b.example']);
    await send(taken, ['x@a.example'], { message: `Received: from elsewhere\r\nX-Score: 2\r\n${NAMED}` });
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example']);
  });

  it('may get a message without Message-ID through twice: better than not at all', async () => {
    const taken = await openRouted(ROUTES, { b: () => denySoft() });
    const { log } = await send(taken, ['x@a.example', 'x@b.example'], { message: MESSAGE });
    assert.match(log, /<x@a\.example> got it: they may get it again, as it has no Message-ID/);
    await send(taken, ['x@a.example'], { message: MESSAGE });
    assert.equal(taken.calls.at(-1), 'a: x@a.example');
  });

  it('hears a refusal for good at once, and then nobody has the message', async () => {
    const taken = await openRouted(ROUTES, { a: () => deny('no', '5.1.1') });
    assert.equal((await send(taken, ['x@b.example', 'x@a.example'])).reply, '552 5.1.1 no');
    assert.deepEqual(taken.calls, ['a: x@a.example']);
  });

  it('hears a refusal for good before one for now', async () => {
    const taken = await openRouted(ROUTES, { a: () => denySoft('later'), b: () => deny('no', '5.1.1') });
    assert.equal((await send(taken, ['x@a.example', 'x@b.example', 'x@c.example'])).reply, '552 5.1.1 no');
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example']);
  });

  for (const [name, verdict, code, closes] of [
    ['nobody took it', declined, 451, false],
    ['a plugin wants the client gone', disconnect(denySoft('go')), 452, true],
    ['a reply of the plugin', done({ code: 454, lines: ['own words'] }), 452, false],
    ['a plugin has dealt with it', done(), 250, false],
  ] as const) {
    it(`hears what it means: ${name}`, async () => {
      const taken = await openRouted(ROUTES, { b: () => verdict });
      const { reply, talk } = await send(taken, ['x@a.example', 'x@b.example']);
      assert.equal(Number(reply.slice(0, 3)), code, reply);
      assert.equal(talk.isClosed, closes);
    });
  }

  it('that leaves between two targets has one of them left out, and is remembered', async () => {
    const left: { talk: Talk | null } = { talk: null };
    const taken = await openRouted(ROUTES, {
      a: () => {
        left.talk?.wire.break();
        return ok();
      },
    });
    const talk = new Talk(taken.stage, SMTP);
    left.talk = talk;
    await talk.say(
      'EHLO c.example',
      'MAIL FROM:<s@s.example>',
      'RCPT TO:<x@a.example>',
      'RCPT TO:<x@b.example>',
      'DATA',
    );
    talk.wire.send(NAMED);
    await talk.over;
    assert.deepEqual(taken.calls, ['a: x@a.example']);
    left.talk = null;
    await send(taken, ['x@a.example', 'x@b.example']);
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example']);
  });

  it('is spared a second delivery where one plugin without routes took some of the recipients', async () => {
    const calls: string[] = [];
    let count = 0;
    const queue: HookTable = {
      queue: ({ transaction }) => {
        calls.push(transaction.recipients.join(' '));
        const [first, second] = transaction.recipients;
        if (first === undefined || second === undefined || ++count > 1) return ok();
        transaction.answerRecipient(first, ok());
        transaction.answerRecipient(second, denySoft());
        return denySoft();
      },
    };
    const taken = { calls, stage: await openStage({ plugins: { 'queue/lmtp': queue } }) };
    assert.match((await send(taken, ['x@a.example', 'x@b.example'])).reply, /^452 /);
    assert.match((await send(taken, ['x@a.example', 'x@b.example'])).reply, /^250 /);
    assert.deepEqual(calls, ['x@a.example x@b.example', 'x@b.example']);
  });
});

describe('a client that takes an answer for each recipient', () => {
  const mixed = { a: () => deny('no', '5.1.1'), b: () => denySoft('later', '4.2.1') } as const;
  const all = ['x@a.example', 'x@b.example', 'x@c.example', 'boss@a.example'];

  it('gets the answer of each target by LMTP, and all targets are asked', async () => {
    const taken = await openRouted(ROUTES, mixed);
    const { reply, talk } = await send(taken, all, { client: LMTP });
    assert.deepEqual(reply.split('\n'), [
      '552 5.1.1 <x@a.example> no',
      '452 4.2.1 <x@b.example> later',
      '250 2.0.0 <x@c.example> queued by c',
      '452 4.2.1 <boss@a.example> later',
    ]);
    assert.equal(await talk.say('NOOP'), '250 2.0.0 ok');
  });

  it('gets them by PRDR, and one for the message', async () => {
    const taken = await openRouted(ROUTES, mixed);
    const { reply } = await send(taken, all, { mail: ' PRDR' });
    assert.deepEqual(
      reply.split('\n').map((line) => line.slice(0, 3)),
      ['353', '552', '452', '250', '452', '250'],
    );
  });

  it('has what it sends again delivered: it has heard who has it', async () => {
    const taken = await openRouted(ROUTES, { b: () => denySoft() });
    await send(taken, ['x@a.example', 'x@b.example'], { client: LMTP });
    await send(taken, ['x@a.example'], { client: LMTP });
    assert.deepEqual(taken.calls, ['a: x@a.example', 'b: x@b.example', 'a: x@a.example']);
  });

  it('gets what a plugin says of a single one', async () => {
    const stage = await openStage({
      plugins: {
        'queue/a': { queue: () => ok('a') },
        'queue/d': {
          queue: ({ transaction }) => {
            const [, second] = transaction.recipients;
            assert.ok(second);
            transaction.answerRecipient(second, deny('not you', '5.1.1'));
            return ok('stored');
          },
        },
      },
      config: { queue_routes: ['a.example queue/a'] },
    });
    const { reply } = await send({ calls: [], stage }, ['x@a.example', 'x@d.example', 'y@d.example'], {
      client: LMTP,
    });
    assert.deepEqual(reply.split('\n'), [
      '250 2.0.0 <x@a.example> a',
      '250 2.0.0 <x@d.example> stored',
      '552 5.1.1 <y@d.example> not you',
    ]);
  });
});

describe('the queue_routes of a user', () => {
  const own = (lines: Readonly<Record<string, readonly string[]>>): HookTable => ({
    user_config: (_at, user, file) => {
      const found = file === 'queue_routes' ? lines[user.localPart] : undefined;
      return found === undefined ? declined : answer(found);
    },
  });

  it('goes before that of the server, for that user alone', async () => {
    const users = own({
      x: ['* queue/b'],
      y: ['other.example queue/b'],
      z: ['* queue/gone'],
      w: ['one two three'],
    });
    const taken = await openRouted(ROUTES, {}, { users });
    const all = ['x@a.example', 'y@a.example', 'z@a.example', 'w@a.example', 'v@a.example', 'x@c.example'];
    const { log } = await send(taken, all);
    assert.deepEqual(taken.calls, [
      'a: y@a.example z@a.example w@a.example v@a.example',
      'b: x@a.example x@c.example',
    ]);
    assert.match(log, /error, the queue_routes of <z@a\.example> names queue\/gone/);
    assert.match(log, /queue_routes \(config hook\):1: "one two" is not an .*; this answer is not used/);
  });

  it('can be had without one of the server', async () => {
    const taken = await openRouted([], {}, { users: own({ x: ['* queue/c'] }) });
    await send(taken, ['x@a.example', 'y@a.example']);
    assert.deepEqual(taken.calls, ['a: y@a.example', 'c: x@a.example']);
  });
});

describe('without routes', () => {
  it('the hook runs as ever: with the transaction itself', async () => {
    const seen: unknown[] = [];
    const talk = await begin({
      plugins: {
        'queue/a': {
          queue: ({ transaction }) => {
            seen.push(transaction);
            return ok();
          },
        },
      },
    });
    await talk.openData();
    const { transaction } = talk.session;
    await talk.send(MESSAGE);
    assert.equal(seen[0], transaction);
  });
});
