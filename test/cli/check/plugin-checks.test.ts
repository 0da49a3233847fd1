// What plugins say of themselves to check-config.

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { describe, it } from 'node:test';
import { pluginChecks } from '../../../src/cli/check/plugin-checks.ts';
import { contextOf, texts } from './support.ts';

const own = (body: string) => ({
  plugin_dirs: '@DIR@/own\n',
  './own/own.mjs': `import { definePlugin, option } from 'qpsmtpd';
export default definePlugin({ name: 'own', summary: 'x', setup: () => ({}), ${body} });\n`,
});

describe('the check of a plugin', () => {
  it('is given the options, the name of the server and the time; what it says has its line', async () => {
    const files = own(
      "options: { n: option.integer({ default: 5, doc: 'x' }) }, async check({ options }, up) { up.warn(options.n + ' ' + up.me + ' ' + up.now.getTime(), 'mend it'); }",
    );
    const context = await contextOf({ ...files, plugins: '# x\nown n 7\n' }, { now: new Date(99) });
    assert.deepEqual(await pluginChecks(context), [
      {
        severity: 'warning',
        code: 'PLUGIN_CHECK',
        where: { file: `${context.dir}/etc/plugins`, line: 2 },
        text: 'plugin "own": 7 mx.example 99',
        hint: 'mend it',
      },
    ]);
  });

  it('is asked of the plugins that it extends, and of those behind it', async () => {
    const files = {
      ...own("check(host, up) { up.error('of ' + host.id); }"),
      './own/child.mjs':
        "export default { name: 'child', summary: 'x', extends: 'own', setup: () => ({ queue: () => {} }) };\n",
    };
    const context = await contextOf({ ...files, plugins: 'queue/spool @DIR@/spool via child\n' });
    assert.deepEqual(texts(await pluginChecks(context)), ['error PLUGIN_CHECK plugin "child": of child']);
  });

  it('may fail, and keeps nothing from being said', async () => {
    const files = own("check(host, up) { up.reads('/nowhere/at/all'); throw new Error('oops'); }");
    const context = await contextOf({ ...files, plugins: 'own\n' });
    assert.deepEqual(texts(await pluginChecks(context)), [
      'error UNREADABLE_FILE plugin "own": /nowhere/at/all is not there, or lies where this user cannot look',
      'warning PLUGIN_CHECK plugin "own": its check failed: oops',
    ]);
  });

  const nobody = { name: 'nobody', uid: 65_534, gids: [65_534], isOfItsOwn: true };
  for (const [what, path, expected] of [
    [
      'in a folder that is not there',
      'no/log',
      /^error NOT_WRITABLE plugin "own": the folder of @DIR@\/no\/log is not there/,
    ],
    ['that is a folder', 'etc', /^error NOT_WRITABLE plugin "own": @DIR@\/etc is a folder$/],
    [
      'that is not there, in a folder of others',
      'log',
      /^error NOT_WRITABLE .* the user nobody, .*, cannot make @DIR@\/log: its mode is 0755/,
    ],
    [
      'of others',
      'etc/plugins',
      /^error NOT_WRITABLE .* the user nobody, .*, cannot write to @DIR@\/etc\/plugins: its mode is 0644/,
    ],
    ['that may be made', 'open/log', /^warning OPEN_FOLDER /],
    ['that may be written to', 'etc/log', /^$/],
  ] as const) {
    it(`looks at a file to append to, ${what}`, async () => {
      const files = own(`check(host, up) { up.appends('@DIR@/${path}'); }`);
      const context = await contextOf(
        { ...files, plugins: 'own\n', log: '', './open/x': '' },
        { user: nobody },
      );
      chmodSync(`${context.dir}/etc/log`, 0o666);
      chmodSync(`${context.dir}/open`, 0o777);
      const said = texts(await pluginChecks(context)).join('\n');
      assert.match(said.replaceAll(context.dir, '@DIR@'), expected);
    });
  }

  it('has to be a function', async () => {
    const { findings } = await contextOf({ ...own("check: 'yes'"), plugins: 'own\n' });
    assert.match(texts(findings).join(), /has a check that is no function/);
  });
});
