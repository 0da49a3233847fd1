import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ConfigError } from '../../src/config/errors.ts';
import { option } from '../../src/contract/options.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import { declined, deny, ok } from '../../src/contract/verdict.ts';
import { instantiate, type LoadedLine } from '../../src/engine/instantiate.ts';
import { Lookup } from '../../src/engine/lookup.ts';
import { PluginSource } from '../../src/engine/plugin-source.ts';
import { Registry } from '../../src/engine/registry.ts';
import { bundle, doing, makeClient, noDisk, nowhere, plugin, pluginLine, Site } from './support.ts';

async function load(t: TestContext, line: string, plugins: Readonly<Record<string, unknown>>) {
  const { store, world, log } = new Site(t);
  const lookup = new Lookup(store, () => assert.fail('no hook is asked'), 'host.example', log);
  const registry = new Registry();
  const source = new PluginSource(bundle(plugins), noDisk, []);
  const loaded = await instantiate(
    pluginLine(line),
    source,
    { world, log, store, lookup, proxySources: [], retirements: [] },
    registry,
  );
  return { loaded, chains: registry.freeze() };
}

async function refused(t: TestContext, line: string, plugins: Readonly<Record<string, unknown>>) {
  const error = await load(t, line, plugins).then(
    () => assert.fail('was taken'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConfigError)) throw error;
  return `${error.code} ${error.message}${error.hint === null ? '' : ` (${error.hint})`}`;
}

const schema = {
  limit: option.integer({ default: 4, doc: '' }),
  mode: option.oneOf(['a', 'b'], { doc: '' }),
  hosts: option.words({ doc: '' }),
};

/** What setup is given of these words. */
async function optionsOf(t: TestContext, words: string, given: Partial<Plugin> = {}): Promise<unknown> {
  let options: unknown;
  const x = plugin({
    options: schema,
    positional: ['limit', 'hosts'],
    ...given,
    setup: (host) => {
      options = host.options;
      return {};
    },
  });
  await load(t, `x ${words}`.trim(), { x });
  return options;
}

const idle = plugin({ options: schema, positional: ['limit'], setup: () => ({}) });

describe('the words of a plugin line', () => {
  for (const [words, expected] of [
    ['', { limit: 4, mode: undefined, hosts: [] }],
    ['7', { limit: 7, mode: undefined, hosts: [] }],
    ['limit 7 mode b', { limit: 7, mode: 'b', hosts: [] }],
    ['mode=b limit=7', { limit: 7, mode: 'b', hosts: [] }],
    ['mode b 7', { limit: 7, mode: 'b', hosts: [] }],
    ['7 one two', { limit: 7, mode: undefined, hosts: ['one', 'two'] }],
    ['limit 7 one mode b', { limit: 7, mode: undefined, hosts: ['one', 'mode', 'b'] }],
    ['hosts one two', { limit: 4, mode: undefined, hosts: ['one', 'two'] }],
    ['hosts=one two=2', { limit: 4, mode: undefined, hosts: ['one', 'two=2'] }],
    ['limit 1 limit 2', { limit: 2, mode: undefined, hosts: [] }],
  ] as const) {
    it(`"${words}"`, async (t) => assert.deepEqual(await optionsOf(t, words), expected));
  }

  for (const [words, expected] of [
    ['sh -c "two  words"', 'sh -c "two  words"'],
    ['limit 7   "a b" | "c"', '"a b" | "c"'],
    ['command "a b"', '"a b"'],
    ['command=a "b  c"', 'a "b  c"'],
  ] as const) {
    it(`"${words}", as they are written`, async (t) => {
      const command = { ...option.text({ doc: '' }), rest: true, verbatim: true };
      const options = { limit: schema.limit, command };
      const given = await optionsOf(t, words, { options, positional: ['command'] });
      assert.deepEqual(given, { limit: words.startsWith('limit') ? 7 : 4, command: expected });
    });
  }

  for (const [line, message] of [
    [
      'x 7 other',
      'UNKNOWN_OPTION plugins:1: plugin "x" has no option "other" (its own options: limit, mode, hosts)',
    ],
    ['x 7 limt=5', 'UNKNOWN_OPTION plugins:1: plugin "x" has no option "limt=5" (did you mean "limit"?)'],
    ['x 7 rejct', 'UNKNOWN_OPTION plugins:1: plugin "x" has no option "rejct" (did you mean "reject"?)'],
    [
      'x 7 # seven',
      'UNKNOWN_OPTION plugins:1: plugin "x" has no option "#" (a comment needs a line of its own)',
    ],
    [
      'x #many',
      'BAD_OPTION plugins:1: plugin "x", option limit: "#many" is not a whole number (a comment needs a line of its own)',
    ],
    ['x limit', 'BAD_OPTION plugins:1: plugin "x", option limit: a value (N) is missing'],
    ['x limit many', 'BAD_OPTION plugins:1: plugin "x", option limit: "many" is not a whole number'],
    ['x many', 'BAD_OPTION plugins:1: plugin "x", option limit: "many" is not a whole number'],
    [
      'x loglevel 8',
      'BAD_OPTION plugins:1: plugin "x", option loglevel: "8" is none of N, +N and -N with N from 0 to 7',
    ],
    ['x timeout -1', 'BAD_OPTION plugins:1: plugin "x", option timeout: -1 is less than 0'],
    ['x hook_timeout=-1', 'BAD_OPTION plugins:1: plugin "x", option hook_timeout: -1 is less than 0'],
    [
      'x on_error maybe',
      'BAD_OPTION plugins:1: plugin "x", option on_error: "maybe" is none of open, defer, deny',
    ],
  ] as const) {
    it(`"${line}" is refused`, async (t) => assert.equal(await refused(t, line, { x: idle }), message));
  }

  it('must have what is required', async (t) => {
    const options = { host: option.text({ doc: '', form: 'HOST', required: true }) };
    const x = plugin({ options, setup: () => ({}) });
    assert.equal(await refused(t, 'x', { x }), 'MISSING_OPTION plugins:1: plugin "x" needs host HOST');
  });

  it('may say what every line may say', async (t) => {
    const { loaded } = await load(t, 'x timeout 1.5 on_error deny reject naughty reject_type temp', {
      x: idle,
    });
    assert.deepEqual([loaded.instance.timeoutMs, loaded.instance.onError], [1500, 'deny']);
    assert.deepEqual(loaded.instance.override, { mode: 'naughty', type: 'temp', typeIsGiven: true });
    assert.deepEqual(loaded.instance.reject, { mode: 'on', type: null, typeIsGiven: false });
    const plain = await load(t, 'x', { x: idle });
    assert.deepEqual([plain.loaded.instance.timeoutMs, plain.loaded.instance.onError], [null, null]);
    assert.equal(plain.loaded.instance.override, null);
  });

  it('hook_timeout goes before timeout', async (t) => {
    const { loaded } = await load(t, 'x timeout 1 hook_timeout 2', { x: idle });
    assert.equal(loaded.instance.timeoutMs, 2000);
  });

  it('belong to the plugin where it has an option of that name', async (t) => {
    const options = { timeout: option.integer({ doc: '' }), ...option.reject({ type: 'disconnect' }) };
    let given: unknown;
    const x = plugin({
      options,
      setup: (host) => {
        given = host.options;
        return {};
      },
    });
    const { loaded } = await load(t, 'x timeout 5 reject 0', { x });
    assert.deepEqual(given, { timeout: 5, reject: 'off', reject_type: 'disconnect' });
    assert.equal(loaded.instance.timeoutMs, null);
    assert.equal(loaded.instance.override, null);
    assert.deepEqual(loaded.instance.reject, { mode: 'off', type: 'disconnect', typeIsGiven: false });
  });

  it('set or shift the levels of its log entries', async (t) => {
    for (const [words, levels] of [
      ['', ['error', 'info']],
      ['loglevel 5', ['notice', 'notice']],
      ['loglevel +1', ['warn', 'debug']],
      ['loglevel -2', ['alert', 'warn']],
      ['loglevel +7', ['debug', 'debug']],
    ] as const) {
      const { loaded } = await load(t, `x ${words}`.trim(), { x: idle });
      const { instance } = loaded;
      assert.deepEqual([instance.adjustLevel('error'), instance.adjustLevel('info')], levels, words);
    }
  });
});

describe('the table of hooks', () => {
  it('may have a handler, a list, and one that goes first', async (t) => {
    const a = plugin({ setup: () => ({ rcpt: () => deny('a'), connect: () => deny('a') }) });
    const b = plugin({
      setup: () => ({ rcpt: { first: () => deny('b') }, connect: [() => ok('1'), () => ok('2')] }),
    });
    const { store, world, log } = new Site(t);
    const lookup = new Lookup(store, () => assert.fail('no hook is asked'), 'host.example', log);
    const registry = new Registry();
    const source = new PluginSource(bundle({ a, b }), noDisk, []);
    const loaded: LoadedLine[] = [];
    for (const name of ['a', 'b']) {
      loaded.push(
        await instantiate(
          pluginLine(name),
          source,
          { world, log, store, lookup, proxySources: [], retirements: [] },
          registry,
        ),
      );
    }
    const chains = registry.freeze();
    assert.deepEqual(
      chains.rcpt.map((bound) => bound.plugin),
      ['b', 'a'],
    );
    assert.deepEqual(
      chains.connect.map((bound) => bound.plugin),
      ['a', 'b', 'b'],
    );
    assert.deepEqual(
      loaded.map(({ hooks }) => hooks),
      [
        ['rcpt', 'connect'],
        ['rcpt', 'connect'],
      ],
    );
  });

  it('may come from a promise and hold undefined', async (t) => {
    const x = plugin({ setup: async () => ({ rcpt: undefined, mail: () => declined }) });
    const { loaded } = await load(t, 'x', { x });
    assert.deepEqual(loaded.hooks, ['mail']);
  });

  it('says how much a logging handler wants', async (t) => {
    const x = plugin({ setup: () => ({ logging: { upTo: 'notice', handler: () => {} } }) });
    const { chains } = await load(t, 'x', { x });
    assert.deepEqual(
      chains.logging.map(({ upTo }) => upTo),
      ['notice'],
    );
  });

  const noFunction =
    'NOT_A_PLUGIN plugins:1: plugin "x" has something that is no function for the hook rcpt (a plugin file says: export default definePlugin({ name, summary, setup }))';
  for (const [what, table, message] of [
    ['a text', { rcpt: 'x' }, noFunction],
    ['a number', { rcpt: 5 }, noFunction],
    ['null', { rcpt: null }, noFunction],
    ['an object', { rcpt: {} }, noFunction],
    ['a list with a text', { rcpt: [() => declined, 'x'] }, noFunction],
    ['first of nothing', { rcpt: { first: null } }, noFunction],
    [
      'a mistyped hook',
      { rctp: () => declined },
      'UNKNOWN_HOOK plugins:1: plugin "x" registers for "rctp", which is no hook (did you mean "rcpt"?)',
    ],
    [
      'a hook of no name',
      { constructor: () => declined },
      'UNKNOWN_HOOK plugins:1: plugin "x" registers for "constructor", which is no hook',
    ],
    [
      'no log level',
      { logging: { upTo: 'much', handler: () => {} } },
      'NOT_A_PLUGIN plugins:1: plugin "x" has an upTo that is no log level (a plugin file says: export default definePlugin({ name, summary, setup }))',
    ],
    [
      'nothing',
      undefined,
      'NOT_A_PLUGIN plugins:1: plugin "x" gives no table of hooks in setup() (a plugin file says: export default definePlugin({ name, summary, setup }))',
    ],
  ] as const) {
    it(`with ${what} is refused`, async (t) => {
      const x = { name: 'x', summary: '', setup: () => table };
      assert.equal(await refused(t, 'x', { x }), message);
    });
  }
});

describe('setup', () => {
  it('that throws or rejects is told with its reason', async (t) => {
    const message = 'FAILED_SETUP plugins:1: plugin "x" cannot be set up: no database';
    const throws = plugin({
      setup: () => {
        throw new Error('no database');
      },
    });
    const rejects = plugin({ setup: () => Promise.reject(new Error('no database')) });
    assert.equal(await refused(t, 'x', { x: throws }), message);
    assert.equal(await refused(t, 'x', { x: rejects }), message);
  });

  it('runs for each line, with a state and an id of its own', async (t) => {
    const ids: string[] = [];
    const counter = plugin({
      setup: (host) => {
        let count = 0;
        ids.push(host.id);
        return { noop: () => ok(String(++count)) };
      },
    });
    const site = new Site(t, { plugins: 'counter:0\ncounter:1\n' });
    const { engine } = await site.build({ counter });
    const [zero, one] = engine.chains.noop;
    const runs = [zero, zero, one].map((bound) => Reflect.apply(bound?.run ?? assert.fail(), undefined, []));
    assert.deepEqual(runs, [ok('1'), ok('2'), ok('1')]);
    assert.deepEqual(ids, ['counter:0', 'counter:1']);
  });

  it('is given cells for connections, made when first asked for', async (t) => {
    let cells = 0;
    let cellOf: ((connection: ReturnType<typeof makeClient>) => object) | undefined;
    const x = plugin({
      setup: (host) => {
        cellOf = host.perConnection((connection) => ({ id: connection.id, number: ++cells }));
        return {};
      },
    });
    await load(t, 'x', { x });
    const [one, other] = [makeClient(), makeClient()];
    assert.equal(cellOf?.(one), cellOf?.(one));
    assert.notEqual(cellOf?.(one), cellOf?.(other));
    assert.equal(cells, 2);
  });

  it('knows the world it runs in', async (t) => {
    const site = new Site(t, { plugins: 'x a\n', me: 'mail.example\n' });
    let seen: unknown;
    const x = plugin({
      options: { word: option.text({ doc: '' }) },
      positional: ['word'],
      setup: (host) => {
        host.stderr('started');
        host.log.notice('hello');
        seen = [
          host.id,
          host.pid,
          host.hostname,
          host.version,
          host.configLines('me'),
          host.configLines('none'),
        ];
        return {};
      },
    });
    await site.build({ x });
    assert.deepEqual(seen, ['x', 7, 'host.example', '0.0', ['mail.example'], []]);
    assert.deepEqual([site.stderr, site.lines], [['started'], ['notice 7 x: hello']]);
  });
});

describe('extends', () => {
  const base = plugin({
    options: {
      limit: option.integer({ default: 1, doc: '' }),
      depth: option.integer({ default: 9, doc: '' }),
    },
    positional: ['limit'],
    setup: (host) => ({
      rcpt: () => deny(`base ${host.options['limit']} ${host.options['depth']}`),
      mail: () => ok('base'),
    }),
  });

  it("keeps the handlers of the parent that the child does not replace, under the child's name", async (t) => {
    const child = plugin({ extends: 'base', setup: () => ({ rcpt: () => ok('child') }) });
    const { chains, loaded } = await load(t, 'child', { base, child });
    assert.deepEqual(
      chains.rcpt.map(({ run }) => Reflect.apply(run, undefined, [])),
      [ok('child')],
    );
    assert.deepEqual(
      chains.mail.map(({ run, plugin: name }) => [name, Reflect.apply(run, undefined, [])]),
      [['child', ok('base')]],
    );
    assert.deepEqual(loaded.hooks, ['rcpt', 'mail']);
  });

  it("merges the options: a child's spec goes before its parent's", async (t) => {
    const child = plugin({
      extends: 'base',
      options: { depth: option.integer({ default: 3, doc: '' }) },
      setup: (host) => ({ rcpt: (at, ...args) => host.base.rcpt(at, ...args) }),
    });
    const { chains } = await load(t, 'child 5', { base, child });
    assert.deepEqual(
      chains.rcpt.map(({ run }) => Reflect.apply(run, undefined, [])),
      [deny('base 5 3')],
    );
  });

  it('declines in the name of a parent that has no such handler', async (t) => {
    const child = plugin({
      extends: 'base',
      setup: (host) => ({ data: (at) => host.base.data(at), disconnect: (at) => host.base.disconnect(at) }),
    });
    const { chains } = await load(t, 'child', { base, child });
    assert.deepEqual(
      chains.data.map(({ run }) => Reflect.apply(run, undefined, [])),
      [declined],
    );
    assert.deepEqual(
      chains.disconnect.map(({ run }) => Reflect.apply(run, undefined, [])),
      [undefined],
    );
  });

  it('has nothing under a name that is no hook', async (t) => {
    let found: unknown[] = ['unset'];
    const child = plugin({
      extends: 'base',
      setup: async (host) => {
        found = ['then', 'constructor', 'rctp'].map((name) => Reflect.get(host.base, name));
        // What is awaited is asked for its `then`.
        await host.base;
        return {};
      },
    });
    await load(t, 'child', { base, child });
    assert.deepEqual(found, [undefined, undefined, undefined]);
  });

  it("takes a parent's list for one chain", async (t) => {
    const asked: string[] = [];
    const parent = plugin({
      setup: () => ({
        rcpt: [
          () => doing(() => asked.push('r1'), declined),
          async () => doing(() => asked.push('r2'), ok('2')),
          () => ok('3'),
        ],
        disconnect: [
          () => void asked.push('d1'),
          () => 5 as never,
          () => null as never,
          () => void asked.push('d2'),
        ],
      }),
    });
    const child = plugin({
      extends: 'parent',
      setup: (host) => ({
        rcpt: (at, ...args) => host.base.rcpt(at, ...args),
        disconnect: (at) => host.base.disconnect(at),
      }),
    });
    const { chains } = await load(t, 'child', { parent, child });
    assert.deepEqual(await Reflect.apply(chains.rcpt[0]?.run ?? assert.fail(), undefined, []), ok('2'));
    await Reflect.apply(chains.disconnect[0]?.run ?? assert.fail(), undefined, []);
    assert.deepEqual(asked, ['r1', 'r2', 'd1', 'd2']);
  });

  it('goes on over several generations', async (t) => {
    const child = plugin({
      extends: 'base',
      setup: (host) => ({ mail: (at, ...args) => host.base.mail(at, ...args) }),
    });
    const grandchild = plugin({
      extends: 'child',
      setup: (host) => ({ mail: (at, ...args) => host.base.mail(at, ...args) }),
    });
    const { chains, loaded } = await load(t, 'grandchild', { base, child, grandchild });
    assert.deepEqual(
      chains.mail.map(({ run }) => Reflect.apply(run, undefined, [])),
      [ok('base')],
    );
    assert.equal(loaded.plugins.length, 3);
  });

  it('fails as the parent fails, unless the child says otherwise', async (t) => {
    const scanner = plugin({ onError: 'defer', setup: () => ({}) });
    const child = plugin({ extends: 'scanner', setup: () => ({}) });
    const other = plugin({ extends: 'scanner', onError: 'open', setup: () => ({}) });
    assert.equal((await load(t, 'child', { scanner, child })).loaded.instance.onError, 'defer');
    assert.equal((await load(t, 'other', { scanner, other })).loaded.instance.onError, 'open');
    assert.equal((await load(t, 'queue/x', { 'queue/x': idle })).loaded.instance.onError, 'defer');
  });

  it('of an unknown parent is refused', async (t) => {
    const child = plugin({ extends: 'bose', setup: () => ({}) });
    assert.equal(
      await refused(t, 'child', { base, child }),
      'UNKNOWN_PLUGIN plugins:1: no plugin "bose" is built in (did you mean "base"?)',
    );
  });

  it('in a circle is refused', async (t) => {
    const a = plugin({ extends: 'b', setup: () => ({}) });
    const b = plugin({ extends: 'a', setup: () => ({}) });
    assert.equal(
      await refused(t, 'a', { a, b }),
      'CIRCULAR_EXTENDS plugins:1: plugins extend each other in a circle: a -> b -> a',
    );
  });
});

describe('the scene of no client', () => {
  it('has neither rejection nor karma', async (t) => {
    const x = plugin({ setup: () => ({ config: (at) => Reflect.get(at, 'reject').call(at, 'no') }) });
    const site = new Site(t, { plugins: 'x\n' });
    const { engine } = await site.build({ x });
    assert.equal(engine.dispatcher.ask('config', nowhere, 'me'), declined);
    assert.match(site.lines.join(), /the hook config has no client/);
  });
});
