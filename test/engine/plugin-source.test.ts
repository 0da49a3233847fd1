import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ConfigError } from '../../src/config/errors.ts';
import { PluginSource } from '../../src/engine/plugin-source.ts';
import { bundle, plugin, pluginLine, TempFolder } from './support.ts';

const definition = plugin({ setup: () => ({}) });

function site(t: TestContext, files: readonly string[], bundled: Readonly<Record<string, unknown>> = {}) {
  const folder = new TempFolder(t);
  for (const name of ['one', 'two']) mkdirSync(folder.path(name));
  for (const file of files) folder.write(file, '');
  const disk = { load: () => definition, explain: () => ({ reason: 'it is broken', hint: 'mend it' }) };
  const source = new PluginSource(bundle(bundled), disk, [folder.path('one'), folder.path('two')]);
  return { folder, source };
}

async function fileOf(t: TestContext, name: string, files: readonly string[], bundled = {}) {
  const { folder, source } = site(t, files, bundled);
  const { file } = await source.load(name, pluginLine(name));
  return file === null ? null : relative(folder.root, file);
}

async function refused(source: PluginSource, name: string): Promise<ConfigError> {
  const error: unknown = await source.load(name, pluginLine(name)).catch((thrown: unknown) => thrown);
  return error instanceof ConfigError ? error : assert.fail(String(error));
}

describe('a plugin', () => {
  it('is found on disk by each ending, and as a folder with an index', async (t) => {
    for (const ending of [
      '.ts',
      '.mts',
      '.js',
      '.mjs',
      '/index.ts',
      '/index.mts',
      '/index.js',
      '/index.mjs',
    ]) {
      assert.equal(await fileOf(t, 'queue/x', [`two/queue/x${ending}`]), `two/queue/x${ending}`);
    }
  });

  it('is found by the name it had before 0.94, if nothing else has that name', async (t) => {
    const other = plugin({ setup: () => ({}) });
    const { source } = site(t, [], { earlytalker: definition, relay: definition, check_relay: other });
    const loaded = async (name: string) => (await source.load(name, pluginLine(name))).plugin;
    assert.equal(await loaded('check_earlytalker'), definition);
    assert.equal(await loaded('check_relay'), other);
    assert.equal(
      await fileOf(t, 'check_relay', ['one/check_relay.ts'], { relay: definition }),
      'one/check_relay.ts',
    );
    assert.equal((await refused(source, 'check_loop')).code, 'UNKNOWN_PLUGIN');
  });

  it('is taken from the first folder that has it, before what is built in', async (t) => {
    assert.equal(await fileOf(t, 'x', ['one/x.js', 'two/x.ts'], { x: definition }), 'one/x.js');
    assert.equal(await fileOf(t, 'x', ['one/x.js', 'one/x.ts', 'one/x/index.ts']), 'one/x.ts');
  });

  it('is built in where no folder has it, even beside a Perl file of that name', async (t) => {
    assert.equal(await fileOf(t, 'x', [], { x: definition }), null);
    assert.equal(await fileOf(t, 'x', ['one/x'], { x: definition }), null);
  });

  it('that is unknown is told with the folders and a near name', async (t) => {
    const { folder, source } = site(t, [], { relay: definition });
    const error = await refused(source, 'rely');
    const dirs = `${folder.path('one')}, ${folder.path('two')}`;
    assert.equal(error.message, `plugins:1: no plugin "rely" is built in or lies under ${dirs}`);
    assert.equal(error.hint, 'did you mean "relay"?');
    const none = await refused(source, 'constructor');
    assert.equal(none.code, 'UNKNOWN_PLUGIN');
  });

  it('in Perl is named as such', async (t) => {
    const { folder, source } = site(t, ['two/greylist']);
    const error = await refused(source, 'greylist');
    const file = folder.path('two/greylist');
    assert.equal(
      error.message,
      `plugins:1: plugin "greylist": ${file} is a Perl plugin, which this server cannot run`,
    );
    assert.equal(error.hint, 'write it as greylist.ts or greylist.js beside it');
  });

  it('is no folder', async (t) => {
    const { source } = site(t, ['one/queue/x.ts', 'one/y.ts/z']);
    assert.equal((await refused(source, 'queue')).code, 'UNKNOWN_PLUGIN');
    assert.equal((await refused(source, 'y')).code, 'UNKNOWN_PLUGIN');
  });

  it('is written without its ending', async (t) => {
    const { source } = site(t, ['one/mine.ts'], { relay: definition });
    const error = await refused(source, 'mine.ts');
    assert.deepEqual([error.code, error.hint], ['UNKNOWN_PLUGIN', 'did you mean "mine"?']);
    assert.equal((await refused(source, 'relay.js')).hint, 'did you mean "relay"?');
  });

  it('that cannot be loaded is told with the reason', async (t) => {
    const folder = new TempFolder(t);
    const file = folder.write('x.js', '');
    const disk = {
      load: () => assert.fail('broken'),
      explain: () => ({ reason: 'it is broken', hint: 'mend it' }),
    };
    const error = await refused(new PluginSource({}, disk, [folder.root]), 'x');
    assert.equal(error.message, `plugins:1: plugin ${file} cannot be loaded: it is broken`);
    assert.equal(error.hint, 'mend it');
  });
});

describe('a definition', () => {
  const setup = () => ({});
  for (const [what, given, wrong] of [
    ['nothing', undefined, 'has no default export made by definePlugin'],
    ['a function', setup, 'has no default export made by definePlugin'],
    ['an empty object', {}, 'has no name'],
    ['no setup', { name: 'x' }, 'has no function setup'],
    ['a setup that is none', { name: 'x', setup: {} }, 'has no function setup'],
    ['options null', { name: 'x', setup, options: null }, 'has options that were not made by option'],
    [
      'options of texts',
      { name: 'x', setup, options: { a: 'b' } },
      'has options that were not made by option',
    ],
    [
      'files of texts',
      { name: 'x', setup, files: { a: 'b' } },
      'has files that were not made by listFile or mapFile',
    ],
    [
      'an extension that nobody carries',
      { name: 'x', setup, carries: ['DSN', 'SIZE'] },
      'has a carries that is no list of SMTPUTF8, BINARYMIME, DSN, REQUIRETLS, MT-PRIORITY',
    ],
    ['a positional text', { name: 'x', setup, positional: 'a' }, 'has a positional that is no list'],
    ['a parent that is no name', { name: 'x', setup, extends: {} }, 'has an extends that is no name'],
  ] as const) {
    it(`with ${what} is refused`, async () => {
      const source = new PluginSource(
        bundle({ x: given }),
        { load: setup, explain: () => assert.fail() },
        [],
      );
      assert.equal((await refused(source, 'x')).message, `plugins:1: plugin "x" ${wrong}`);
    });
  }
});
