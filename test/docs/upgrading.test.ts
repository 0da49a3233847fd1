// What the documents for people with another server claim is there, is there; what they say is missing, is missing. And
// the links of all documents lead somewhere.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { hookNames } from 'qpsmtpd';
import { bundledPlugins } from '../../plugins/index.ts';
import { knownFileNames } from '../../src/config/known-files.ts';
import { root, tableRows, textOf } from './support.ts';

const perl = textOf('docs/UPGRADING.md');
const haraka = textOf('docs/upgrading/from-haraka.md');
const qmail = textOf('docs/upgrading/from-qmail-smtpd.md');

const isBundled = (name: string): boolean => Object.hasOwn(bundledPlugins, name);
const part = (text: string, heading: string): string =>
  text.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? '';

describe('docs/UPGRADING.md', () => {
  it('names as missing only what is missing', () => {
    const [, list = ''] =
      /Not in this version[^:]*:((?: `[\w/*-]+`,?|\n *)+)\./.exec(perl.replace(/\n +/g, ' ')) ?? [];
    const names = [...list.matchAll(/`([\w/*-]+)`/g)].map(([, name = '']) => name);
    assert.ok(names.length > 20, list);
    for (const name of names) assert.ok(!isBundled(name), `${name} is there: take it from the list`);
  });
});

describe('docs/upgrading/from-haraka.md', () => {
  const files = new Set(knownFileNames as readonly string[]);
  const others = /^(?:--[\w-]+|SIGUSR1|reject naughty)$/;

  it('has for each plugin of Haraka what there is, or says that there is nothing yet', async () => {
    const rows = tableRows(part(haraka, 'Plugins')).slice(1);
    assert.ok(rows.length > 30);
    const pluginFiles = await Promise.all(Object.values(bundledPlugins).map((load) => load()));
    const read = new Set(pluginFiles.flatMap((module) => Object.keys(module.default.files ?? {})));
    for (const [theirs = '', here = ''] of rows) {
      const named = [...here.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
      for (const name of named) {
        const known = isBundled(name) || files.has(name) || read.has(name) || others.test(name);
        assert.ok(known, `${theirs}: there is no ${name}`);
      }
      assert.ok(named.length > 0 || here.includes('not yet'), theirs);
    }
  });

  it('maps hooks to hooks that there are', () => {
    const [hooks = ''] = part(haraka, 'Hooks').split(/\n\n(?=\| Haraka[^\n]*\n[^\n]*\n\| `next)/);
    for (const [theirs = '', here = ''] of tableRows(hooks).slice(1)) {
      if (here === 'the same names') {
        for (const [, name = ''] of theirs.matchAll(/`(\w+)`/g))
          assert.ok(hookNames.includes(name as never), name);
      }
      const [, first = ''] = /^`([\w-]+)`/.exec(here) ?? [];
      if (first !== '' && first !== 'setup')
        assert.ok(hookNames.includes(first as never), `${theirs}: ${first}`);
    }
  });

  it('has lines of plugins that there are', () => {
    const lines = [...part(haraka, 'Plugins').matchAll(/^ {4}(\S+).*$/gm)].map(([, name = '']) => name);
    assert.ok(lines.length > 4);
    for (const name of lines) assert.ok(isBundled(name), name);
  });
});

describe('docs/upgrading/from-qmail-smtpd.md', () => {
  it('has lines of plugins that there are', () => {
    const [block = ''] = /^ {7}relay\n(?: {7}.*\n)+/m.exec(qmail) ?? [];
    const names = [...block.matchAll(/^ {7}(\S+)/gm)].map(([, name = '']) => name);
    assert.ok(names.length > 3);
    for (const name of names) assert.ok(isBundled(name), name);
  });
});

describe('links', () => {
  const documents = [
    ...['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'bench/README.md'],
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => join('docs', file)),
  ];
  for (const file of documents) {
    it(`of ${file} lead to files and headings that are there`, () => {
      for (const [, path = '', , anchor] of textOf(file).matchAll(/\]\(([^)#:\s]*)(#([\w-]+))?\)/g)) {
        const target = path === '' ? file : join(dirname(file), path);
        assert.ok(existsSync(join(root, target)), `${path} in ${file}`);
        if (anchor === undefined) continue;
        const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
          text
            .toLowerCase()
            .replace(/[^\w\- ]/g, '')
            .replaceAll(' ', '-'),
        );
        assert.ok(headings.includes(anchor), `#${anchor} in ${file}`);
      }
    });
  }
});
