import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extensionKeywords, extensionNeeds, extensionSwitches } from '../../src/config/extensions.ts';
import { carriedExtensions } from '../../src/contract/plugin.ts';

const around = { hostname: 'host.example', home: '/home/smtpd' };
const linesOf = (texts: readonly string[]) =>
  texts.map((text, at) => ({ text, where: { file: 'extensions', line: at + 1 } }));
const check = (...texts: string[]) =>
  extensionSwitches.check(linesOf(texts), around).map(({ where, text }) => `${where?.line}: ${text}`);

test('lines switch extensions, in any case of letters', () => {
  const switches = extensionSwitches.parse(linesOf(['DSN on', 'pipelining\toff', 'MT-Priority  ON']), around);
  assert.deepEqual(
    [...switches],
    [
      ['DSN', true],
      ['PIPELINING', false],
      ['MT-PRIORITY', true],
    ],
  );
});

describe('a mistake', () => {
  const known = extensionKeywords.join(' ');
  const cases: [what: string, lines: string[], ...findings: string[]][] = [
    ['an unknown keyword', ['STARTTLS on'], `1: "STARTTLS on" is not "on" or "off" behind one of ${known}`],
    ['no state', ['DSN'], `1: "DSN" is not "on" or "off" behind one of ${known}`],
    ['another state', ['DSN yes'], `1: "DSN yes" is not "on" or "off" behind one of ${known}`],
    ['a second line', ['DSN on', 'SIZE on', 'dsn off'], '3: "dsn off" is not the only line on DSN'],
    [
      'CHUNKING missing',
      ['BINARYMIME on', 'CHUNKING off'],
      '1: "BINARYMIME on" is not possible with CHUNKING off',
    ],
    [
      '8BITMIME missing',
      ['8BITMIME off', 'SMTPUTF8 on'],
      '2: "SMTPUTF8 on" is not possible with 8BITMIME off',
    ],
  ];
  for (const [what, lines, ...findings] of cases) {
    test(`is ${what}`, () => {
      assert.deepEqual(check(...lines), findings);
      assert.throws(() => extensionSwitches.parse(linesOf(lines), around), { name: 'ConfigError' });
    });
  }

  test('is named for every line', () => assert.equal(check('A on', 'DSN on', 'B off').length, 2));

  test('is not to switch off what another one needs', () => {
    assert.deepEqual(check('CHUNKING off', 'BINARYMIME off', '8BITMIME off'), []);
    assert.deepEqual(check('CHUNKING off'), []);
  });
});

test('what a plugin can carry is known to the operator', () => {
  for (const keyword of carriedExtensions) {
    assert.ok(
      extensionKeywords.some((known) => known === keyword),
      keyword,
    );
    assert.match(extensionSwitches.doc, new RegExp(`\\b${keyword}\\b`));
  }
});

test('what is needed needs nothing itself', () => {
  for (const needed of Object.values(extensionNeeds).flat()) assert.equal(extensionNeeds[needed], undefined);
});
