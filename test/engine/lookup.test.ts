import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AtSession } from '../../src/contract/at.ts';
import type { Handler, HookTable } from '../../src/contract/hooks.ts';
import { answer, declined, deny, ok } from '../../src/contract/verdict.ts';
import { Address } from '../../src/protocol/address.ts';
import { doing, makeClient, plugin, Site } from './support.ts';

const user = new Address('alice', 'a.example');

/** What `at.config` gives a handler of noop. */
async function asked(
  t: TestContext,
  hooks: HookTable,
  read: (at: AtSession) => unknown,
  files: Readonly<Record<string, string>> = {},
  mayHaveFindings = false,
) {
  const seen: unknown[] = [];
  const reader = plugin({ setup: () => ({ noop: (at) => doing(() => seen.push(read(at)), declined) }) });
  const other = plugin({ setup: () => hooks });
  const site = new Site(t, { plugins: 'reader\nother\n', ...files });
  const { engine, findings } = await site.build({ reader, other });
  if (!mayHaveFindings) assert.deepEqual(findings, []);
  // No handler of noop asks for a transaction.
  const scene = { connection: makeClient(), transaction: null, verdicts: null };
  await engine.dispatcher.decide('noop', scene, '');
  return { given: seen[0], engine, site };
}

describe('a look-up', () => {
  it('reads the file at once, without a promise', async (t) => {
    const { given } = await asked(t, {}, (at) => at.config('list'), { list: 'a\n# no\nb\n' });
    assert.deepEqual(given, ['a', 'b']);
  });

  it('gives the same array while the file is the same', async (t) => {
    const { given } = await asked(t, {}, (at) => [at.config('list'), at.config('list')], { list: 'a\n' });
    assert.ok(Array.isArray(given));
    assert.equal(given[0], given[1]);
  });

  it('gives nothing of a file that is not there, and the host for `me`', async (t) => {
    assert.deepEqual((await asked(t, {}, (at) => at.config('list'))).given, []);
    assert.deepEqual((await asked(t, {}, (at) => at.config('me'))).given, ['host.example']);
  });

  const config: Handler<'config'> = (_at, file) => answer([`config ${file}`]);
  const user_config: Handler<'user_config'> = (_at, who, file) => answer([`${who} ${file}`]);
  const files = { list: 'file\n' };

  it('asks user_config hooks before config hooks before the file', async (t) => {
    const read = (at: AtSession) => at.config('list', user);
    assert.deepEqual(await (await asked(t, { config, user_config }, read, files)).given, [
      'alice@a.example list',
    ]);
    const quiet = { config, user_config: () => declined };
    assert.deepEqual(await (await asked(t, quiet, read, files)).given, ['config list']);
    const silent = { config: () => declined, user_config: () => declined };
    assert.deepEqual(await (await asked(t, silent, read, files)).given, ['file']);
    assert.deepEqual(await (await asked(t, { user_config: () => declined }, read, files)).given, ['file']);
  });

  it('asks no user_config hook where there is no user', async (t) => {
    const { given } = await asked(t, { config, user_config }, (at) => at.config('list'), files);
    assert.deepEqual(await given, ['config list']);
  });

  it('goes on to the file when a hook denies or fails', async (t) => {
    const read = (at: AtSession) => at.config('list');
    for (const bad of [
      () => deny('no'),
      () => {
        throw new Error('broken');
      },
      () => ok() as never,
      () => ({ code: 'OK', value: 'file' }) as never,
    ]) {
      assert.deepEqual(await (await asked(t, { config: bad }, read, files)).given, ['file']);
    }
  });

  it('waits for a hook that does', async (t) => {
    const slow = { config: async () => answer(['later']) };
    assert.deepEqual(await (await asked(t, slow, (at) => at.config('list'), files)).given, ['later']);
  });

  it('of a config hook reads the file: it is not asked again', async (t) => {
    const itself: HookTable = {
      config: async (at, file) => answer([...(await at.config(file)), 'and more']),
      user_config: async (at, who, file) => answer([...(await at.config(file, who)), 'for you']),
    };
    const { given } = await asked(
      t,
      itself,
      async (at) => [await at.config('list'), await at.config('list', user)],
      files,
    );
    assert.deepEqual(await given, [
      ['file', 'and more'],
      ['file', 'for you'],
    ]);
  });

  it('of an ok or deny hook asks config hooks, and comes to an end', async (t) => {
    const seen: unknown[] = [];
    const hooks: HookTable = { config, ok: async (at) => void seen.push(await at.config('list')) };
    await asked(t, hooks, () => null, files);
    assert.deepEqual(seen, [['config list']]);
  });
});

describe('a core value', () => {
  it('comes from the file, or is the default', async (t) => {
    const { engine } = await asked(t, {}, () => null, { databytes: '1000\n' });
    assert.equal(engine.lookup.value('databytes'), 1000);
    assert.equal(engine.lookup.value('hook_timeout'), 60);
  });

  it('comes from a config hook before', async (t) => {
    const config: Handler<'config'> = (_at, file) => (file === 'databytes' ? answer(['5']) : declined);
    const { engine } = await asked(t, { config }, () => null, { databytes: '1000\n', me: 'mail.example\n' });
    assert.equal(await engine.lookup.value('databytes'), 5);
    assert.equal(await engine.lookup.value('me'), 'mail.example');
  });

  it('is what the file says where the hook talks nonsense, and the log tells', async (t) => {
    const config: Handler<'config'> = (_at, file) => (file === 'databytes' ? answer(['much']) : declined);
    const { engine, site } = await asked(t, { config }, () => null, { databytes: '1000\n' });
    assert.equal(await engine.lookup.value('databytes'), 1000);
    assert.equal(site.lines.length, 1);
    assert.match(
      site.lines[0] ?? '',
      /^error 7 error, databytes \(config hook\):1: "much" is not .*; this answer is not used$/,
    );
  });
});

describe('a core value for one user', () => {
  const scene = { connection: null, transaction: null, verdicts: null };
  const routesOf = async (t: TestContext, user_config: Handler<'user_config'>) => {
    const { engine, site } = await asked(
      t,
      { user_config },
      () => null,
      { queue_routes: '* nowhere-else\n' },
      true,
    );
    const found = await engine.lookup.userValue('queue_routes', scene, user);
    return {
      target: found === null ? null : (found.find(user, '')?.target ?? 'none'),
      log: site.lines.join('\n'),
    };
  };

  it('comes from the user_config hooks alone', async (t) => {
    assert.equal((await routesOf(t, () => answer(['* mine']))).target, 'mine');
    assert.equal((await routesOf(t, () => answer([]))).target, 'none');
    assert.equal((await routesOf(t, () => declined)).target, null);
  });

  it('is none where they talk nonsense, and the log tells', async (t) => {
    const { target, log } = await routesOf(t, () => answer(['nonsense']));
    assert.equal(target, null);
    assert.match(
      log,
      /queue_routes \(config hook\):1: "nonsense" is not a route: .*; this answer is not used/,
    );
  });
});
