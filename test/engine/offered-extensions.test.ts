import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extensionKeywords } from '../../src/config/extensions.ts';
import { type CarriedExtension, carriedExtensions } from '../../src/contract/plugin.ts';
import { declined, ok } from '../../src/contract/verdict.ts';
import { plugin, Site } from './support.ts';

const always = extensionKeywords.filter(
  (keyword) => !carriedExtensions.some((carried) => carried === keyword),
);

const queue = (...carries: CarriedExtension[]) => plugin({ carries, setup: () => ({ queue: () => ok() }) });
const silent = plugin({ setup: () => ({ queue: () => ok() }) });
const other = plugin({ setup: () => ({ queue_pre: () => declined, rcpt: () => declined }) });

describe('without config/extensions', () => {
  const cases: [what: string, plugins: Readonly<Record<string, unknown>>, ...offered: CarriedExtension[]][] =
    [
      ['no plugin promises anything', {}],
      ['a queue plugin that says nothing', { a: silent }],
      ['one that carries some', { a: queue('SMTPUTF8', 'DSN') }, 'SMTPUTF8', 'DSN'],
      ['two: what both carry', { a: queue('SMTPUTF8', 'DSN'), b: queue('REQUIRETLS', 'DSN') }, 'DSN'],
      ['one of two that says nothing', { a: queue('SMTPUTF8'), b: silent }],
      ['plugins of other hooks, which do not count', { a: other, b: queue('MT-PRIORITY') }, 'MT-PRIORITY'],
      ['a plugin that carries and queues nothing', { a: plugin({ carries: ['DSN'], setup: () => ({}) }) }],
      [
        'a child, which carries what its parent does',
        { a: plugin({ name: 'a', extends: 'base', setup: () => ({}) }), base: queue('DSN') },
        'DSN',
      ],
      [
        'a child with words of its own',
        {
          a: plugin({ name: 'a', extends: 'base', carries: ['SMTPUTF8'], setup: () => ({}) }),
          base: queue('DSN'),
        },
        'SMTPUTF8',
      ],
    ];
  for (const [what, plugins, ...offered] of cases) {
    test(what, async (t) => {
      const lines = Object.keys(plugins).filter((name) => name !== 'base');
      const { engine, findings } = await new Site(t, { plugins: `${lines.join('\n')}\n` }).build(plugins);
      assert.deepEqual(findings, []);
      const expected = extensionKeywords.filter((keyword) =>
        [...always, ...offered].some((known) => known === keyword),
      );
      assert.deepEqual([...engine.extensions()], expected);
    });
  }
});

test('config/extensions goes before what plugins say', async (t) => {
  const site = new Site(t, { plugins: 'a\n', extensions: 'DSN off\nSMTPUTF8 on\nPIPELINING off\n' });
  const { engine } = await site.build({ a: queue('DSN', 'MT-PRIORITY') });
  const offered = engine.extensions();
  assert.deepEqual(
    (['DSN', 'SMTPUTF8', 'PIPELINING', 'MT-PRIORITY'] as const).map((keyword) => offered.has(keyword)),
    [false, true, false, true],
  );
});

test('what an extension needs goes before what plugins say (RFC 3030 section 3, RFC 6531 section 3.1)', async (t) => {
  const site = new Site(t, { plugins: 'a\n', extensions: 'CHUNKING off\n' });
  const { engine } = await site.build({ a: queue('BINARYMIME', 'SMTPUTF8') });
  assert.deepEqual(
    [engine.extensions().has('BINARYMIME'), engine.extensions().has('SMTPUTF8')],
    [false, true],
  );
});

test('the set is made once for each change of the file', async (t) => {
  const site = new Site(t, { plugins: '', extensions: 'SIZE off\n' });
  const { engine } = await site.build({});
  const before = engine.extensions();
  assert.equal(engine.extensions(), before);
  assert.equal(before.has('SIZE'), false);
  site.folder.write('extensions', 'SIZE on\nDSN on\n');
  site.later();
  const after = engine.extensions();
  assert.notEqual(after, before);
  assert.deepEqual([after.has('SIZE'), after.has('DSN')], [true, true]);
  assert.equal(engine.extensions(), after);
});

test('a mistake in the file leaves what was', async (t) => {
  const site = new Site(t, { plugins: '', extensions: 'SIZE off\n' });
  const { engine } = await site.build({});
  assert.equal(engine.extensions().has('SIZE'), false);
  site.folder.write('extensions', 'SIZE of\n');
  site.later();
  assert.equal(engine.extensions().has('SIZE'), false);
  assert.equal(site.findings.length, 1);
});
