import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { QueueRoutes } from '../../src/config/queue-routes.ts';
import { declined, deny, ok } from '../../src/contract/verdict.ts';
import { queueChains } from '../../src/engine/queue-chains.ts';
import { Bench, doing, plugin, Site } from './support.ts';

const queue = plugin({ setup: () => ({ queue: () => ok() }) });
const other = plugin({ setup: () => ({ mail: () => declined }) });

async function findings(t: TestContext, routes: string, plugins = 'queue/a\nqueue/a:1\nother\n') {
  const site = new Site(t, { plugins, queue_routes: routes });
  const built = await site.build({ 'queue/a': queue, other });
  return built.findings.map(
    ({ severity, code, where, text, hint }) => `${severity} ${code} ${where?.line ?? ''}: ${text}; ${hint}`,
  );
}

describe('targets of queue_routes', () => {
  it('may be all lines that take messages', async (t) => {
    assert.deepEqual(await findings(t, 'a.example queue/a\n'), []);
    assert.deepEqual(await findings(t, 'a.example queue/a\n* queue/a:1\n'), []);
    assert.deepEqual(await findings(t, ''), []);
  });

  it('that are no lines are errors, with their places', async (t) => {
    assert.deepEqual(
      await findings(t, 'a.example queue/a\n# x\nb.example queue/a:2\nc.example nothing-like-it\n'),
      [
        'error UNKNOWN_TARGET 3: no line of plugins is named "queue/a:2"; did you mean "queue/a:1"?',
        'error UNKNOWN_TARGET 4: no line of plugins is named "nothing-like-it"; those that take messages: queue/a, queue/a:1',
      ],
    );
  });

  it('that take no messages are errors', async (t) => {
    const [finding] = await findings(t, 'a.example other\n');
    assert.match(
      finding ?? '',
      /^error UNKNOWN_TARGET 1: plugin "other" takes no messages: it has no hook queue; /,
    );
  });

  it('that could not be loaded have one finding, of their own line', async (t) => {
    const found = await findings(t, 'a.example queue/gone\n', 'queue/a\nqueue/gone\n');
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /^error UNKNOWN_PLUGIN 2: /);
  });

  it('all named, without a route for the rest, get a warning', async (t) => {
    const [warning, ...more] = await findings(t, 'a.example queue/a\nb.example queue/a:1\n');
    assert.match(
      warning ?? '',
      /^warning ALL_QUEUES_ROUTED : every queue plugin is named here: .*"queue\/a" first; /,
    );
    assert.deepEqual(more, []);
  });
});

describe('queueChains', () => {
  const routes = (...targets: readonly string[]) =>
    new QueueRoutes(
      targets.map((target, at) => ({ pattern: `${at}.example`, target, where: { file: 'queue_routes' } })),
    );

  it('has the handlers of each line, and those for all others', async (t) => {
    const site = new Site(t, { plugins: 'queue/a\nqueue/a:1\nqueue/b\n' });
    const two = plugin({ setup: () => ({ queue: [() => declined, () => ok()] }) });
    const { engine } = await site.build({ 'queue/a': two, 'queue/b': queue });
    const chains = queueChains(engine.chains);
    const ids = (handlers: readonly { plugin: string }[] | null) => handlers?.map((one) => one.plugin);
    assert.deepEqual(ids(chains(routes('queue/a')).of('queue/a:1')), ['queue/a:1', 'queue/a:1']);
    assert.deepEqual(ids(chains(routes('queue/a')).others), ['queue/a:1', 'queue/a:1', 'queue/b']);
    assert.equal(chains(routes('queue/a', 'queue/a:1', 'queue/b')).others, engine.chains.queue);
    assert.equal(chains(routes()).others.length, 5);
    assert.equal(chains(routes()).of('queue/c'), null);
  });
});

describe('decideAmong', () => {
  it('asks some handlers only, and goes on after one that declines or waits', async (t) => {
    const asked: string[] = [];
    const bench = new Bench(t)
      .on('queue', () => doing(() => asked.push('p1'), ok('one')))
      .on('queue', async () => doing(() => asked.push('p2'), declined))
      .on('queue', () => doing(() => asked.push('p3'), deny('three')));
    const { dispatcher, chains } = bench.engineParts();
    const verdict = await dispatcher.decideAmong<'queue'>(chains.queue.slice(1), bench.scene);
    assert.deepEqual([verdict.code, verdict.text], ['DENY', ['three']]);
    assert.deepEqual(asked, ['p2', 'p3']);
    assert.equal(bench.verdicts.codeOf('p3', 'queue'), 'DENY');
    assert.equal((await dispatcher.decideAmong<'queue'>([], bench.scene)).code, 'DECLINED');
  });
});
