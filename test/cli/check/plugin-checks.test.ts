// What plugins say of themselves to check-config.

import assert from 'node:assert/strict';
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

  it('has to be a function', async () => {
    const { findings } = await contextOf({ ...own("check: 'yes'"), plugins: 'own\n' });
    assert.match(texts(findings).join(), /has a check that is no function/);
  });
});
