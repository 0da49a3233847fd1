// The loader puts hooks into this process: nothing else is tested in this file.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import * as api from '../../src/api.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import { makeDiskLoader } from '../../src/engine/disk-loader.ts';
import { TempFolder } from './support.ts';

const loader = makeDiskLoader(api);

const MODULE = `
import { declined, definePlugin } from 'qpsmtpd';
export default definePlugin({ name: 'x', summary: 'x', setup: () => ({ noop: () => declined }) });
`;
const TYPED = MODULE.replace('setup: ()', 'setup: (_host: unknown)');
const COMMONJS = `
const { declined, definePlugin } = require('qpsmtpd');
module.exports = definePlugin({ name: 'x', summary: 'x', setup: () => ({ noop: () => declined }) });
`;

/** What its noop handler gives. */
async function noopOf(loaded: unknown): Promise<unknown> {
  const { setup } = loaded as Plugin;
  const table: object = await Reflect.apply(setup, undefined, [{}]);
  return Reflect.apply(Reflect.get(table, 'noop'), undefined, []);
}

describe('a plugin file', () => {
  for (const [file, source] of [
    ['x.ts', TYPED],
    ['x.mts', TYPED],
    ['x.mjs', MODULE],
    ['x.js', MODULE],
    ['common.js', COMMONJS],
    ['x/index.ts', TYPED],
    ['x/index.js', COMMONJS],
  ] as const) {
    it(`${file} is loaded, and its declined is the engine's own`, async (t) => {
      const folder = new TempFolder(t);
      assert.equal(await noopOf(loader.load(folder.write(file, source))), api.declined);
    });

    it(`${file} is loaded below a package.json of either type`, async (t) => {
      for (const type of source === COMMONJS
        ? ['commonjs']
        : file.endsWith('.js')
          ? ['module']
          : ['commonjs', 'module']) {
        const folder = new TempFolder(t);
        folder.write('package.json', JSON.stringify({ type }));
        assert.equal(await noopOf(loader.load(folder.write(`plugins/${file}`, source))), api.declined, type);
      }
    });
  }

  it('may import a helper beside and below it', async (t) => {
    const folder = new TempFolder(t);
    folder.write('package.json', '{ "type": "commonjs" }');
    folder.write('helper.ts', `export { declined as one } from 'qpsmtpd';\nexport const text: string = 'x';`);
    folder.write('parts/other.ts', `import { one } from '../helper.ts';\nexport const two: object = one;`);
    const file = folder.write(
      'x.ts',
      `import { two } from './parts/other.ts';\nexport default { name: 'x', setup: () => ({ noop: () => two }) };`,
    );
    assert.equal(await noopOf(loader.load(file)), api.declined);
  });

  it('in a folder with blanks and other letters is loaded', async (t) => {
    const folder = new TempFolder(t);
    folder.write('package.json', '{ "type": "commonjs" }');
    assert.equal(await noopOf(loader.load(folder.write('my plug#ins é/x.ts', TYPED))), api.declined);
  });

  it('sees all of the API by name', (t) => {
    const folder = new TempFolder(t);
    const file = folder.write('x.mjs', `import * as api from 'qpsmtpd';\nexport default { ...api };`);
    assert.deepEqual(loader.load(file), { ...api });
  });

  it('without a default export gives what it exports', (t) => {
    const folder = new TempFolder(t);
    const loaded = loader.load(folder.write('x.mjs', 'export const setup = 5;'));
    assert.equal(Reflect.get(Object(loaded), 'setup'), 5);
  });
});

describe('a file that cannot be loaded', () => {
  function reasonOf(t: TestContext, file: string, source: string) {
    const path = new TempFolder(t).write(file, source);
    assert.equal(existsSync(path), true);
    try {
      loader.load(path);
    } catch (error) {
      return loader.explain(error);
    }
    return assert.fail('was loaded');
  }

  it('awaits at its top level', (t) => {
    assert.deepEqual(reasonOf(t, 'x.mjs', 'await null;\nexport default {};'), {
      reason: 'it awaits something at its top level',
      hint: 'move what has to be awaited into setup()',
    });
  });

  it('has TypeScript that needs compiling', (t) => {
    for (const source of [
      'enum A { B }\nexport default {};',
      'class A { constructor(readonly b: string) {} }\nexport {};',
    ]) {
      const { reason, hint } = reasonOf(t, 'x.ts', source);
      assert.equal(reason, 'it uses TypeScript that needs compiling (enum, namespace, parameter properties)');
      assert.match(hint ?? '', /^types are only taken away/);
    }
  });

  it('throws', (t) => {
    assert.deepEqual(reasonOf(t, 'x.js', "throw new Error('no\\nway')"), { reason: 'no', hint: null });
    assert.deepEqual(reasonOf(t, 'x.js', 'throw 5'), { reason: 'it threw 5', hint: null });
    assert.deepEqual(reasonOf(t, 'x.js', 'throw Object.create(null)').hint, null);
  });

  it('imports what there is not', (t) => {
    assert.match(reasonOf(t, 'x.mjs', "import './none.mjs';").reason, /^Cannot find module .*none\.mjs/);
    assert.match(reasonOf(t, 'x.mjs', "import { dclined } from 'qpsmtpd';").reason, /dclined/);
  });

  it('is an ES module that Node takes for CommonJS', (t) => {
    const folder = new TempFolder(t);
    folder.write('package.json', '{ "type": "commonjs" }');
    const file = folder.write('x.js', MODULE);
    const { reason, hint } = (() => {
      try {
        return assert.fail(String(loader.load(file)));
      } catch (error) {
        return loader.explain(error);
      }
    })();
    assert.equal(reason, 'it is an ES module in a file that Node takes for CommonJS');
    assert.equal(hint, 'name it .mjs or .ts');
  });

  it('is not there', (t) => {
    assert.throws(() => loader.load(new TempFolder(t).path('none.ts')), { code: 'ENOENT' });
  });
});
