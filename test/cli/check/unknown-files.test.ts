// Files in a configuration folder that nothing reads.

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bundledPlugins } from '../../../plugins/index.ts';
import { filesOfPlugins } from '../../../src/cli/check/foreign-files.ts';
import { unknownFiles } from '../../../src/cli/check/unknown-files.ts';
import { ConfigDirs } from '../../../src/config/config-dir.ts';
import { ConfigStore } from '../../../src/config/config-store.ts';
import { shown } from './shown.ts';
import { contextOf, type Files } from './support.ts';

const check = unknownFiles(bundledPlugins);
const base = { plugins: 'rcpt_ok\nqueue/maildir Maildir\n', rcpthosts: 'a.example\n' };

async function found(files: Files): Promise<string[]> {
  const context = await contextOf({ ...base, ...files });
  return shown(context.dir, await check(context));
}

describe('unknown files', () => {
  it('are none where all are known: of the core, of plugins, with nothing in them, and maps', async () => {
    const files = {
      me: 'mx.example\n',
      morercpthosts: 'b.example\n',
      badhelo: '# none yet\n',
      relayclients: '',
    };
    assert.deepEqual(await found(files), []);
  });

  it('are not links that lead nowhere: the server takes those for no file', async () => {
    const context = await contextOf(base);
    const etc = join(context.dir, 'etc');
    symlinkSync('nowhere', join(etc, 'me'));
    symlinkSync('rcpthosts', join(etc, 'smtpgreeting'));
    const [finding, ...others] = await check(context);
    assert.deepEqual(others, []);
    assert.equal(finding?.severity, 'warning');
    assert.equal(finding?.code, 'UNREADABLE_FILE');
    assert.equal(finding?.where?.file, join(etc, 'me'));
  });

  for (const [name, meant] of [
    ['rcpthost', 'rcpthosts'],
    ['rcpt_hosts', 'rcpthosts'],
    ['RcptHosts', 'rcpthosts'],
    ['spool-dir', 'spool_dir'],
    ['morercpthost.cdb', 'morercpthosts.cdb'],
    ['plugin', 'plugins'],
    ['badmailform', 'badmailfrom'],
    ['badhello', 'badhelo'],
  ] as const) {
    it(`are warned of with what may be meant: ${name}`, async () => {
      assert.deepEqual(await found({ [name]: 'x\n' }), [
        `warning UNKNOWN_FILE ${name}: nothing reads a file of this name (did you mean "${meant}"?)`,
      ]);
    });
  }

  it('are named without a warning where no name is close', async () => {
    assert.deepEqual(await found({ shopping: 'x\n' }), [
      'info UNREAD_FILE shopping: nothing reads this file',
    ]);
  });

  it('are named with their plugin, where that is not loaded and they have entries', async () => {
    assert.deepEqual(
      await found({ badrcptto: 'x@a.example\n', dnsbl_zones: 'bl.example\n', badmailfrom: '#\n' }),
      [
        'info IDLE_FILE badrcptto: nothing reads this file: plugin "badrcptto" is not loaded',
        'info IDLE_FILE dnsbl_zones: nothing reads this file: plugin "dnsbl" is not loaded',
      ],
    );
  });

  it('are not those of others: folders, editors, packages, keys, scripts, notes', async () => {
    const names = [
      ...[
        'rcpthosts~',
        '.rcpthosts.swp',
        '#rcpthosts#',
        '.#rcpthosts',
        'plugins.dpkg-dist',
        'plugins.dpkg-old',
      ],
      ...['plugins.rpmnew', 'plugins.rpmsave', 'me.ucf-dist', 'README', 'README.Debian', 'rcpthosts.bak'],
      ...[
        'debian-queue-method',
        'debian-rcpthosts',
        'IP',
        'server.crt',
        'server.key',
        'Makefile',
        'ssl/x',
        'rcpthost/y',
      ],
    ];
    assert.deepEqual(await found(Object.fromEntries(names.map((name) => [name, 'x\n']))), []);
  });

  it('are not those that a known file includes, or a plugin line names', async () => {
    const files = {
      rcpthosts: 'a.example\n$include ours\n$include @DIR@/etc/theirs\n',
      ours: 'b.example\n$include deeper\n',
      deeper: 'c.example\n',
      theirs: 'd.example\n',
      plugins: `${base.plugins}queue/smtp-forward 192.0.2.1 login passwords\n`,
      passwords: 'user:secret\n',
    };
    assert.deepEqual(await found(files), []);
  });

  it('are not those that a plugin of the site declares or asks for', async () => {
    const text = `import { declined, definePlugin, listFile } from 'qpsmtpd';
const lists = listFile({ form: 'X', doc: 'x', parse: (line) => line });
export default definePlugin({ name: 'mine', summary: 'x', files: { mylist: lists },
  setup: () => ({ async connect(at) { await at.config('my_words'); return declined; } }) });\n`;
    const files = { plugin_dirs: '@DIR@/own\n', './own/mine.mjs': text, plugins: `mine\n${base.plugins}` };
    const lists = { mylist: 'x\n', my_words: 'x\n', my_word: 'x\n' };
    assert.deepEqual(await found({ ...files, ...lists }), [
      'info UNREAD_FILE my_word: nothing reads this file (a plugin of your own that reads it can declare it under "files")',
    ]);
  });

  it('are not those of qmail in its control folder, where only slips of the pen are told', async () => {
    const context = await contextOf(base);
    const control = join(context.dir, 'control');
    mkdirSync(control);
    const names = [
      'locals',
      'virtualdomains',
      'smtproutes',
      'concurrencyremote',
      'me',
      'defaultdomain',
      'badmailfrom',
    ];
    for (const name of [...names, 'homemade', 'rcpthost'])
      writeFileSync(join(control, name), 'x@y.example\n');
    const dirs = new ConfigDirs([...context.store.dirs.all, control, join(context.dir, 'missing')]);
    const clock = { monotonic: () => 0 };
    const store = new ConfigStore({ dirs, clock, report: () => {}, hostname: 'x', home: '/' });
    assert.deepEqual(shown(context.dir, await check({ ...context, store })), [
      `warning UNKNOWN_FILE ${control}/rcpthost: nothing reads a file of this name (did you mean "rcpthosts"?)`,
    ]);
  });

  it('of plugins are told by these plugins themselves, where they come with the server', async () => {
    for (const [name, load] of Object.entries(bundledPlugins)) {
      const declared = Object.keys((await load()).default.files ?? {});
      const twice = declared.filter((file) => Object.hasOwn(filesOfPlugins, file));
      assert.deepEqual(twice, [], `${name}: take them out of foreign-files.ts`);
    }
  });
});
