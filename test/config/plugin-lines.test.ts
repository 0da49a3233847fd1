import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/errors.ts';
import { parsePluginLine, parsePluginLines } from '../../src/config/plugin-lines.ts';

const at = (text: string, line = 1) => ({ text, where: { file: 'plugins', line } });

function codeOf(text: string): string {
  try {
    parsePluginLine(at(text));
    return 'fine';
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.where?.line, 1);
    return error.code;
  }
}

describe('parsePluginLine', () => {
  const good: [text: string, name: string, plugin: string, words: string[]][] = [
    ['relay', 'relay', 'relay', []],
    ['rcpt_map:1 file x', 'rcpt_map:1', 'rcpt_map', ['file', 'x']],
    ['queue/smtp-forward  10.1.2.3\t25', 'queue/smtp-forward', 'queue/smtp-forward', ['10.1.2.3', '25']],
    ['my.plugin-2 a=b,c #d', 'my.plugin-2', 'my.plugin-2', ['a=b,c', '#d']],
    ['helo "two words" x "" y', 'helo', 'helo', ['two words', 'x', '', 'y']],
    ['helo say"so it\'s', 'helo', 'helo', ['say"so', "it's"]],
  ];
  for (const [text, name, plugin, words] of good) {
    it(`reads ${text}`, () => {
      const where = { file: 'plugins', line: 1 };
      const { rests, ...read } = parsePluginLine(at(text));
      assert.deepEqual(read, { name, plugin, words, where });
      assert.equal(rests.length, words.length);
    });
  }

  it('keeps what is written from each word on, quotes and blanks', () => {
    const { rests } = parsePluginLine(at('pipe  a "b  c"\t d '));
    assert.deepEqual(rests, ['a "b  c"\t d', '"b  c"\t d', 'd']);
  });

  for (const text of [
    '../evil',
    'a/../b',
    'a/..:1',
    '/etc/evil',
    'a//b',
    'a/',
    './a',
    'a:b',
    'a:',
    'a:1:2',
    'a;b',
    '"a b"',
    '',
    'grüß',
    'relay \x7f',
    'relay grüß',
    'relay "open',
    'relay "a"b',
    'relay "',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(codeOf(text), 'BAD_PLUGIN_LINE'));
  }

  it('says of Perl packages that they cannot be loaded', () => {
    assert.equal(codeOf('My::Plugin arg'), 'PERL_PACKAGE');
    assert.throws(
      () => parsePluginLine(at('My::Plugin')),
      /^plugins:1: "My::Plugin" is a Perl package, which cannot/,
    );
  });
});

describe('parsePluginLines', () => {
  it('refuses a second load under one name and keeps the first', () => {
    const { entries, findings } = parsePluginLines(
      ['relay', 'relay:0', 'relay:1', 'relay only 1', 'relay:1 x', 'dnsbl'].map((text, index) =>
        at(text, index + 1),
      ),
    );
    assert.deepEqual(
      entries.map(({ name, words }) => [name, ...words].join(' ')),
      ['relay', 'relay:0', 'relay:1', 'dnsbl'],
    );
    assert.deepEqual(
      findings.map(({ severity, code, where, text }) => [severity, code, where?.line, text]),
      [
        ['error', 'DUPLICATE_PLUGIN', 4, 'plugin "relay" is already loaded by plugins:1'],
        ['error', 'DUPLICATE_PLUGIN', 5, 'plugin "relay:1" is already loaded by plugins:3'],
      ],
    );
  });

  it('goes on behind bad lines and names each', () => {
    const { entries, findings } = parsePluginLines([at('/a', 1), at('b', 2), at('C::D', 3)]);
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['b'],
    );
    assert.deepEqual(
      findings.map(({ code, where }) => [code, where?.line]),
      [
        ['BAD_PLUGIN_LINE', 1],
        ['PERL_PACKAGE', 3],
      ],
    );
  });
});
