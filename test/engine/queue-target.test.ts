// host.target: a queue plugin that gets its messages from another plugin, and what the engine makes of its line.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AtEnvelope } from '../../src/contract/at.ts';
import type { Envelope } from '../../src/contract/connection.ts';
import { option } from '../../src/contract/options.ts';
import type { CarriedExtension, QueueTarget } from '../../src/contract/plugin.ts';
import { declined, denySoft, ok } from '../../src/contract/verdict.ts';
import { makeClient, nowhere, plugin, Site } from './support.ts';

const via = { ...option.text({ required: true, doc: 'the target' }), rest: true };

/** An engine with one line `queue/front VIA`; `front` hands its messages on. */
async function begin(t: TestContext, line: string, plugins: Readonly<Record<string, unknown>>) {
  const targets: QueueTarget[] = [];
  const front = plugin({
    name: 'queue/front',
    options: { via },
    positional: ['via'],
    carries: ['DSN'],
    async setup(host) {
      targets.push(await host.target(String(host.options['via'])));
      return { queue: () => ok() };
    },
  });
  const site = new Site(t, { plugins: `queue/front ${line}\n` });
  const built = await site.build({ 'queue/front': front, ...plugins });
  const [target] = targets;
  const ask = (signal = new AbortController().signal) => {
    assert.ok(target);
    return target.queue(makeClient(), {} as Envelope, signal);
  };
  return { site, ...built, target, ask };
}

const mailbox = (queue: unknown, more: object = {}) =>
  plugin({ name: 'queue/mailbox', onError: 'defer', ...more, setup: () => ({ queue }) as never });

describe('a target', () => {
  it('is set up with its words, and asked by its caller alone', async (t) => {
    const { engine, findings, target, ask } = await begin(t, 'queue/mailbox dir=x', {
      'queue/mailbox': plugin({
        name: 'queue/mailbox',
        options: { dir: option.text({ doc: 'where' }) },
        setup: ({ options }) => ({ queue: () => ok(`kept in ${options['dir']}`) }),
      }),
    });
    assert.deepEqual(findings, []);
    assert.equal(target?.id, 'queue/mailbox');
    assert.deepEqual(await ask(), ok('kept in x'));
    assert.deepEqual(
      engine.chains.queue.map(({ plugin }) => plugin),
      ['queue/front'],
    );
  });

  it('has its other handlers among those of all plugins', async (t) => {
    let started = 0;
    const { engine } = await begin(t, 'queue/mailbox', {
      'queue/mailbox': plugin({
        name: 'queue/mailbox',
        setup: () => ({ queue: () => ok(), 'post-fork': () => void started++ }),
      }),
    });
    await engine.dispatcher.watch('post-fork', nowhere);
    assert.equal(started, 1);
    assert.deepEqual(
      engine.lines.map(({ instance, hooks }) => [instance.id, hooks]),
      [
        ['queue/front', ['queue']],
        ['queue/mailbox', ['post-fork']],
      ],
    );
  });

  it('is asked handler by handler until one does not decline', async (t) => {
    const first = await begin(t, 'queue/mailbox', {
      'queue/mailbox': mailbox([() => declined, async () => denySoft('full'), () => ok()]),
    });
    assert.deepEqual(await first.ask(), denySoft('full'));
    const second = await begin(t, 'queue/mailbox', { 'queue/mailbox': mailbox(() => declined) });
    assert.deepEqual(await second.ask(), declined);
  });

  it('is told when nobody waits any more, and logs under its own name', async (t) => {
    const reasons: unknown[] = [];
    const { ask, site } = await begin(t, 'queue/mailbox', {
      'queue/mailbox': mailbox(async ({ signal, log }: AtEnvelope) => {
        log.notice('fail, waits');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reasons.push(signal.reason);
        return denySoft();
      }),
    });
    const controller = new AbortController();
    const asked = ask(controller.signal);
    controller.abort(new Error('enough'));
    await asked;
    assert.match(String(reasons[0]), /enough/);
    assert.ok(site.lines.includes('notice 7.1 (queue) queue/mailbox: fail, waits'), site.lines.join('\n'));
  });

  for (const [onError, code] of [
    ['defer', 'DENYSOFT'],
    ['deny', 'DENY'],
    ['open', 'DECLINED'],
  ] as const) {
    for (const [what, queue] of [
      ['throws', () => assert.fail('broken')],
      ['rejects', () => Promise.reject(new Error('broken'))],
      ['returns no verdict', () => 'broken'],
    ] as const) {
      it(`that ${what}, on_error ${onError}: ${code}`, async (t) => {
        const { ask, site } = await begin(t, `queue/mailbox on_error ${onError}`, {
          'queue/mailbox': mailbox(queue),
        });
        assert.equal((await ask()).code, code);
        assert.match(
          site.lines.join('\n'),
          /^crit 7\.1 \(queue\) queue\/mailbox: error, plugin failed in hook queue .*broken/m,
        );
      });
    }
  }
});

describe('what is wrong with a target', () => {
  for (const [what, line, plugins, code, text] of [
    ['there is none', 'queue/nobody', {}, 'UNKNOWN_PLUGIN', /no plugin "queue\/nobody"/],
    [
      'an unknown option',
      'queue/mailbox x',
      { 'queue/mailbox': mailbox(() => ok()) },
      'UNKNOWN_OPTION',
      /"x"/,
    ],
    [
      'no queue plugin',
      'other',
      { other: plugin({ name: 'other', setup: () => ({}) }) },
      'NO_QUEUE_PLUGIN',
      /"other" takes no messages/,
    ],
  ] as const) {
    it(`is a mistake of the line that names it: ${what}`, async (t) => {
      const { findings, engine } = await begin(t, line, plugins);
      assert.equal(findings.length, 1);
      assert.deepEqual([findings[0]?.code, findings[0]?.where?.line], [code, 1]);
      assert.match(findings[0]?.text ?? '', text);
      assert.deepEqual(engine.lines, []);
    });
  }
});

describe('a plugin with targets', () => {
  for (const [target, all] of [
    [undefined, ['DSN']],
    [
      ['BINARYMIME', 'SMTPUTF8'],
      ['SMTPUTF8', 'BINARYMIME', 'DSN'],
    ],
    [
      ['DSN', 'REQUIRETLS'],
      ['DSN', 'REQUIRETLS'],
    ],
  ] as const satisfies readonly (readonly [readonly CarriedExtension[] | undefined, readonly string[]])[]) {
    it(`carries what it says itself, and what its target does: ${all.join(', ')}`, async (t) => {
      const { engine } = await begin(t, 'queue/mailbox', {
        'queue/mailbox': mailbox(() => ok(), target === undefined ? {} : { carries: target }),
      });
      assert.deepEqual(engine.lines[0]?.carries, all);
      assert.equal(engine.extensions().has('DSN'), true);
      assert.equal(
        engine.extensions().has('REQUIRETLS'),
        all.some((one) => one === 'REQUIRETLS'),
      );
    });
  }
});

describe('the end of an engine', () => {
  it('waits for what plugins still have to do, and survives their failures', async (t) => {
    const ends: (() => void)[] = [];
    const site = new Site(t, { plugins: 'a\nb\n' });
    const { engine } = await site.build({
      a: plugin({
        name: 'a',
        setup(host) {
          host.onRetire(() => assert.fail('broken'));
          return {};
        },
      }),
      b: plugin({
        name: 'b',
        setup(host) {
          host.onRetire(() => new Promise((resolve) => ends.push(resolve)));
          return {};
        },
      }),
    });
    let isOver = false;
    const retired = engine.retire().then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isOver, false);
    ends[0]?.();
    await retired;
    assert.match(site.lines.join('\n'), /^error 7 error, a plugin failed to end its work: .*broken/m);
  });
});
