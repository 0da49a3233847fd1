// What docs/OPERATING.md names is there: options of subcommands, files of the configuration, plugins.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bundledPlugins } from '../../plugins/index.ts';
import { knownFileNames } from '../../src/config/known-files.ts';
import { run, tableRows, textOf } from './support.ts';

const text = textOf('docs/OPERATING.md');

describe('docs/OPERATING.md', () => {
  it('calls subcommands with options that they have', () => {
    const calls = [...text.matchAll(/qpsmtpd (serve|forkserver|check-config|queue)\b([^`\n]*)/g)];
    assert.ok(calls.length > 8);
    for (const [call, name = '', words = ''] of calls) {
      const { stdout } = run('src/main.ts', name, '--help');
      for (const [option] of words.matchAll(/--[a-z-]+/g))
        assert.match(stdout, new RegExp(`${option}[ =]`), call);
    }
  });

  it('has defaults of limits as the core has them', () => {
    const limits = text.split(/^## /m).find((part) => part.startsWith('Limits\n')) ?? '';
    const manual = textOf('man/qpsmtpd-config.5');
    const rows = tableRows(limits).flatMap(([, setting = '', fallback = '']) => {
      const name = /^`(\w+)`$/.exec(setting)?.[1];
      return name === undefined ? [] : [{ name, fallback }];
    });
    assert.ok(rows.length > 5);
    for (const { name, fallback } of rows) {
      assert.ok((knownFileNames as readonly string[]).includes(name), name);
      const [number] = /^\d+/.exec(fallback) ?? ['0'];
      const said = manual.split(`\n\\fB${name}\\fR `)[1]?.match(/Default: (\d+)/)?.[1];
      assert.equal(number, said, name);
    }
  });

  it('names plugins that there are', () => {
    for (const name of ['badmailfrom', 'hosts_allow', 'queue/spool', 'tls']) {
      assert.ok(text.includes(name) && Object.hasOwn(bundledPlugins, name), name);
    }
  });

  it('says of every logging plugin what it is for', () => {
    const named = new Set([...text.matchAll(/`(logging\/\w+)/g)].map(([, name = '']) => name));
    const there = Object.keys(bundledPlugins).filter((name) => name.startsWith('logging/'));
    assert.deepEqual([...named].sort(), there.sort());
  });
});
