// The manual says what the program does: generated pages are up to date, and nothing that has options lacks a page.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hookNames } from 'qpsmtpd';
import packageJson from '../../package.json' with { type: 'json' };
import { bundledPlugins } from '../../plugins/index.ts';
import { details } from '../../scripts/man/command-options.ts';
import { differences } from '../../scripts/man/differences.ts';
import { perlHabits } from '../../scripts/man/perl-habits.ts';
import * as api from '../../src/api.ts';
import { checkConfigCommand } from '../../src/cli/check-config.ts';
import { forkserverCommand } from '../../src/cli/forkserver.ts';
import { preforkCommand } from '../../src/cli/prefork.ts';
import type { Program } from '../../src/cli/program.ts';
import { queueCommand } from '../../src/cli/queue.ts';
import { serveCommand } from '../../src/cli/serve.ts';
import { testPluginCommand } from '../../src/cli/test-plugin.ts';
import { tlsCertCommand } from '../../src/cli/tls-cert.ts';
import { knownFileNames } from '../../src/config/known-files.ts';
import { commonOptions } from '../../src/engine/plugin-words.ts';
import { root, run, textOf } from './support.ts';

const sections = {
  qpsmtpd: 8,
  'qpsmtpd-forkserver': 8,
  'qpsmtpd-prefork': 8,
  'qpsmtpd-config': 5,
  'qpsmtpd-plugins': 5,
  'qpsmtpd-plugin-api': 7,
} as const;
const pages = new Map(
  Object.entries(sections).map(([name, number]) => [name, textOf(`man/${name}.${number}`)]),
);

const kinds: ReadonlySet<string> = new Set(['decide', 'ask', 'watch']);

const plain = (text: string): string =>
  text
    .replaceAll('\\-', '-')
    .replace(/\\f[BIR]/g, '')
    .replaceAll('\\&', '')
    .replaceAll('\\(ti', '~');

/** The part of a page below a heading, up to the next one of its rank or a higher one. */
function below(name: string, heading: string, rank: 'SH' | 'SS'): string {
  const parts = plain(pages.get(name) ?? '').split(rank === 'SH' ? /^\.SH /m : /^\.S[SH] /m);
  const found = parts.find((part) => part.startsWith(`"${heading}"\n`));
  assert.ok(found !== undefined, `${name} has no heading "${heading}"`);
  return found;
}

/** First words of the terms in a part of a page. */
function termsOf(part: string): readonly string[] {
  return [...part.matchAll(/^\.TP\n(\S+)/gm)].map(([, term = '']) => term);
}

describe('the folder man', () => {
  it('has these pages and no other files', () => {
    const files = readdirSync(join(root, 'man'));
    const wanted = Object.entries(sections).map(([name, number]) => `${name}.${number}`);
    assert.deepEqual(files.sort(), wanted.sort());
  });

  it('is what scripts/build-man.ts makes of the sources', () => {
    const { status, said } = run('scripts/build-man.ts', '--check');
    assert.equal(status, 0, said);
    // Of qpsmtpd.8 only a part is made; the rest of the pages is named one by one.
    for (const name of Object.keys(sections))
      assert.match(said, new RegExp(`man/${name}\\.\\d is up to date`));
  });

  it('has the sections of a daemon in the pages of section 8', () => {
    for (const [name, number] of Object.entries(sections)) {
      if (number !== 8) continue;
      for (const heading of ['SIGNALS', 'ENVIRONMENT', 'EXIT STATUS', 'FILES', 'EXAMPLES']) {
        below(name, heading, 'SH');
      }
    }
  });

  it('sees nothing that is not there', () => {
    for (const [name, text] of pages) {
      const [, seen = ''] = text.split('.SH "SEE ALSO"\n');
      const others = [...plain(seen).matchAll(/(qpsmtpd[\w-]*)"? ?\((\d)\)/g)];
      assert.ok(others.length >= 2, name);
      for (const [, other = '', number] of others) {
        assert.equal(String(sections[other as keyof typeof sections]), number, `${name} names ${other}`);
      }
    }
  });
});

describe('qpsmtpd-plugin-api.7', () => {
  it('has every hook, with its arguments', () => {
    const hooks = termsOf(below('qpsmtpd-plugin-api', 'HOOKS', 'SH'));
    const named = hooks.map((term) => term.replace(/\(.*$/, '')).filter((term) => !kinds.has(term));
    assert.deepEqual(named, hookNames);
  });

  it('has every name that can be imported', () => {
    const text = plain(pages.get('qpsmtpd-plugin-api') ?? '');
    const missing = Object.keys(api).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
    assert.deepEqual(missing, []);
  });

  it('maps habits of Perl to what there is', () => {
    const [, text = ''] = plain(pages.get('qpsmtpd-plugin-api') ?? '').split('.SH "HOST"');
    const [tables = ''] = text.split('.SH "FROM PERL"');
    const words = perlHabits.flatMap(([, here]) => [...here.matchAll(/`(?:at|host)\.([\w.]+)/g)]);
    assert.ok(words.length > 15);
    for (const [whole, path = ''] of words) {
      const last = path.split('.').at(-1) ?? '';
      assert.match(tables, new RegExp(`^(?:at\\.)?${last}\\b`, 'm'), whole);
    }
  });
});

describe('the options of forkserver and prefork', () => {
  it('have no details of what is no option', () => {
    const program: Program = { version: '', bundled: {}, api: {} };
    const commands = [forkserverCommand(program), preforkCommand(program)];
    const options = commands.flatMap(({ args }) => Object.keys(args ?? {}));
    for (const name of Object.keys(details)) assert.ok(options.includes(name), name);
  });
});

describe('qpsmtpd-config.5 and qpsmtpd-plugins.5', () => {
  it('say in what each plugin differs from that of Perl, or that it does not', () => {
    assert.deepEqual(Object.keys(differences).sort(), Object.keys(bundledPlugins).sort());
  });

  it('have every config file of the core', () => {
    assert.deepEqual(termsOf(below('qpsmtpd-config', 'FILES OF THE CORE', 'SH')), knownFileNames);
  });

  it('have the words of every line, and every hook', () => {
    const words = termsOf(below('qpsmtpd-plugins', 'WORDS THAT EVERY LINE MAY HAVE', 'SH'));
    assert.deepEqual(words, Object.keys(commonOptions));
    const hooks = termsOf(below('qpsmtpd-plugins', 'HOOKS', 'SH'));
    assert.deepEqual(hooks.toSorted(), hookNames.toSorted());
  });

  for (const [name, load] of Object.entries(bundledPlugins)) {
    it(`have the plugin ${name} with all its options and files`, async () => {
      const { options = {}, files = {}, summary } = (await load()).default;
      const part = below('qpsmtpd-plugins', name, 'SS');
      const fileNames = Object.entries(files).map(([file, { kind }]) =>
        kind === 'map' ? `${file}.cdb` : file,
      );
      assert.deepEqual(termsOf(part), [...Object.keys(options), ...fileNames]);
      assert.ok(part.toLowerCase().includes(summary.toLowerCase()), summary);
      assert.match(part, /^Examples?, in /m, 'no example');
      assert.match(part, /^Log lines: /m, 'no log lines');
      assert.match(part, /^Hooks: /m, 'no hooks');
      const listed = termsOf(below('qpsmtpd-config', 'FILES OF PLUGINS', 'SH'));
      for (const file of fileNames) assert.ok(listed.includes(file), `${file} is not in qpsmtpd-config.5`);
    });
  }
});

describe('qpsmtpd.8', () => {
  const program: Program = { version: '', bundled: {}, api: {} };
  const commands = {
    serve: serveCommand(program),
    'check-config': checkConfigCommand(program),
    'test-plugin': testPluginCommand(program),
    'tls-cert': tlsCertCommand(program),
    queue: queueCommand(program),
  };
  for (const [name, { args }] of Object.entries(commands)) {
    it(`has the options of ${name}`, () => {
      const options = Object.entries(args ?? {}).filter(([, { type }]) => type !== 'positional');
      assert.deepEqual(
        termsOf(below('qpsmtpd', name, 'SS')),
        options.map(([option]) => `--${option}`),
      );
    });
  }
});

describe('manual pages', () => {
  const MACROS = /^\.(?:TH|SH|SS|PP|TP|IP|RS|RE|nf|fi|B|I|BR|BI|RI|RB|IB|IR|\\")(?: |$)/;
  const ESCAPES = /^\\(?:e|-|&|f[BIR]|\((?:aq|dq|ga|ha|ti))/;

  for (const [name, text] of pages) {
    it(`${name} is roff of the plain kind`, () => {
      const lines = text.slice(0, -1).split('\n');
      assert.ok(text.endsWith('\n'));
      for (const [at, line] of lines.entries()) {
        const where = `line ${at + 1}: ${line}`;
        assert.match(line, /^[\x20-\x7e]*\S$/, `blank, trailing blank or not ASCII, ${where}`);
        assert.ok(!line.startsWith("'"), where);
        if (line.startsWith('.')) assert.match(line, MACROS, where);
        if (line.startsWith('.\\"')) continue;
        for (const { index } of line.matchAll(/\\./g)) assert.match(line.slice(index), ESCAPES, where);
      }
    });

    it(`${name} opens and closes in pairs`, () => {
      const count = (macro: string) => text.split(`\n.${macro}`).length;
      assert.equal(count('nf'), count('fi'));
      assert.equal(count('RS'), count('RE'));
      assert.equal(text.match(/\\f[BI]/g)?.length ?? 0, text.match(/\\fR/g)?.length ?? 0);
    });

    it(`${name} has its name, section and version in its title`, () => {
      const titles = plain(text).match(/^\.TH .*$/gm);
      const wanted = `.TH ${name.toUpperCase()} ${sections[name as keyof typeof sections]} "`;
      assert.equal(titles?.length, 1);
      assert.ok(titles?.[0]?.startsWith(wanted), titles?.[0]);
      assert.ok(titles?.[0]?.includes(`"qpsmtpd ${packageJson.version}"`), titles?.[0]);
    });
  }
});
