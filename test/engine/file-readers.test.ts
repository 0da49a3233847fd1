import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { definePlugin, type KeyMap, listFile, mapFile } from '../../src/contract/plugin.ts';
import { answer, declined } from '../../src/contract/verdict.ts';
import { makeClient, Site } from './support.ts';

/** A plugin that reads `sizes` and `users.cdb`, on a site whose noop hook calls it. */
async function reader(
  t: TestContext,
  files: Readonly<Record<string, string | Buffer>>,
  hooks: HookTable = {},
) {
  const seen: (readonly number[])[] = [];
  const maps: KeyMap[] = [];
  let parsed = 0;
  const sizes = listFile({
    form: 'N',
    doc: '',
    parse: (line) => {
      parsed++;
      if (!/^\d+$/.test(line)) throw new Error(`"${line}" is not a size`);
      return Number(line);
    },
  });
  const x = definePlugin({
    name: 'x',
    summary: '',
    files: { sizes, users: mapFile({ form: 'USER', doc: '' }) },
    setup: (host) => ({
      noop: async (at) => {
        seen.push(await host.files.sizes(at));
        maps.push(await host.files.users(at));
        return declined;
      },
      ...hooks,
    }),
  });
  const site = new Site(t, { plugins: 'x\n', ...files });
  const { engine } = await site.build({ x });
  const scene = { connection: makeClient(), transaction: null, verdicts: null };
  const read = async () => {
    await engine.dispatcher.decide('noop', scene, '');
    return { sizes: seen.at(-1), users: maps.at(-1) ?? assert.fail('no map') };
  };
  return { site, read, parsed: () => parsed };
}

describe('a list file', () => {
  it('is parsed once for each change', async (t) => {
    const { site, read, parsed } = await reader(t, { sizes: '1\n2\n' });
    const first = await read();
    assert.deepEqual(first.sizes, [1, 2]);
    site.later();
    assert.equal((await read()).sizes, first.sizes);
    assert.equal(parsed(), 2);
    site.folder.write('sizes', '1\n2\n3\n');
    site.later();
    assert.deepEqual((await read()).sizes, [1, 2, 3]);
    assert.equal(parsed(), 5);
  });

  it('leaves a bad line out, and names it in the log once', async (t) => {
    const { site, read } = await reader(t, { sizes: '1\nbig\n3\n' });
    assert.deepEqual((await read()).sizes, [1, 3]);
    await read();
    assert.deepEqual(site.lines, [
      `warn 7 x: error, ${site.folder.path('sizes')}:2: "big" is not a size; the line is ignored`,
    ]);
  });

  it('is empty when it is not there', async (t) => {
    const { read } = await reader(t, {});
    assert.deepEqual((await read()).sizes, []);
  });

  it('may come from a config hook', async (t) => {
    const config: HookTable = { config: (_at, file) => (file === 'sizes' ? answer(['7', 'big']) : declined) };
    const { site, read } = await reader(t, { sizes: '1\n' }, config);
    assert.deepEqual((await read()).sizes, [7]);
    assert.deepEqual(site.lines, [
      'warn 7 x: error, sizes (config hook):2: "big" is not a size; the line is ignored',
    ]);
  });
});

describe('a map file', () => {
  it('finds keys', async (t) => {
    const { read } = await reader(t, { 'users.cdb': cdbOf('alice', 'a\xe9') });
    const { users } = await read();
    assert.deepEqual([users.get('alice'), users.has('alice')], ['a\xe9', true]);
    assert.deepEqual([users.get('bob'), users.has('bob')], [undefined, false]);
  });

  it('is empty when it is not there', async (t) => {
    const { users } = await (await reader(t, {})).read();
    assert.deepEqual([users.get('alice'), users.has('alice')], [undefined, false]);
  });

  it('that is damaged finds nothing, and the log tells', async (t) => {
    const whole = cdbOf('alice', 'a');
    // The record claims to be longer than the file.
    whole.writeUInt32LE(0x00ffffff, 2052);
    const { site, read } = await reader(t, { 'users.cdb': whole });
    const { users } = await read();
    assert.equal(users.get('alice'), undefined);
    assert.match(site.lines.join('\n'), /^error 7 x: error, users\.cdb is damaged: /);
  });
});

/** A constant database of one record: D. J. Bernstein, "A structure for constant databases". */
function cdbOf(key: string, value: string): Buffer {
  let hash = 5381;
  for (const octet of Buffer.from(key, 'latin1')) hash = (((hash << 5) + hash) ^ octet) >>> 0;
  const record = Buffer.concat([Buffer.alloc(8), Buffer.from(key + value, 'latin1')]);
  record.writeUInt32LE(key.length, 0);
  record.writeUInt32LE(value.length, 4);
  const slots = Buffer.alloc(16);
  const slot = (hash >>> 8) % 2;
  slots.writeUInt32LE(hash, slot * 8);
  slots.writeUInt32LE(2048, slot * 8 + 4);
  const tables = Buffer.alloc(2048);
  for (let at = 0; at < 256; at++) tables.writeUInt32LE(2048 + record.length, at * 8);
  tables.writeUInt32LE(2, (hash & 255) * 8 + 4);
  return Buffer.concat([tables, record, slots]);
}
