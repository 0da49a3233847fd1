import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine, parseMailArgument, parseRcptArgument } from '../../src/protocol/command-line.ts';

test('verb and argument', () => {
  assert.deepEqual(parseCommandLine('MAIL  FROM:<a@b> '), { verb: 'mail', argument: 'FROM:<a@b>' });
  assert.deepEqual(parseCommandLine('quit'), { verb: 'quit', argument: '' });
  assert.deepEqual(parseCommandLine(''), { verb: '', argument: '' });
  assert.deepEqual(parseCommandLine('noop \t a b\t\r '), { verb: 'noop', argument: 'a b' });
});

test('octets of UTF-8 that String.trim() takes for blanks stay', () => {
  assert.deepEqual(parseCommandLine('vrfy \xa0\xc3\xa0'), { verb: 'vrfy', argument: '\xa0\xc3\xa0' });
});

test('a long run of blanks inside of a line costs no time', () => {
  const line = `noop \t${'\t'.repeat(60_000)}a${'\t'.repeat(60_000)}b`;
  const started = performance.now();
  for (let count = 0; count < 10; count++) parseCommandLine(line);
  assert.ok(performance.now() - started < 500);
});

const mails: [argument: string, path: string | null, params?: [string, string | true][]][] = [
  ['FROM:<a@b>', '<a@b>'],
  ['from: <a@b>', '<a@b>'],
  ['FROM:', '<>'],
  ['FROM:<>', '<>'],
  [
    'FROM:<a@b> SIZE=10 BODY=8BITMIME',
    '<a@b>',
    [
      ['SIZE', '10'],
      ['BODY', '8BITMIME'],
    ],
  ],
  ['FROM:<a@b> smtputf8', '<a@b>', [['SMTPUTF8', true]]],
  ['FROM:a@b SIZE=1', 'a@b', [['SIZE', '1']]],
  ['FROM:<"a> b"@c> SIZE=1', '<"a> b"@c>', [['SIZE', '1']]],
  ['FROM:<"a\\"> b"@c>', '<"a\\"> b"@c>'],
  ['FROM:<a@b>SIZE=1', null],
  ['FROM:<a@b> SIZE=', null],
  ['FROM:<a@b> =1', null],
  ['FROM:<a@b> A=b=c', null],
  ['FROM:<a@b> A=\u00fc', null],
  ['FROM:<a@b> ORCPT=rfc822;\u00fc', null],
  ['FROM:<a@b> SIZE=1 size=2', null],
  ['FROM:<a@b> BODY=7BIT BODY=7BIT', null],
  ['FROM:<\u00fc@b> SMTPUTF8', '<\u00fc@b>', [['SMTPUTF8', true]]],
  ['FROM:<a@b', null],
  ['FROM:<"a@b>', null],
  ['TO:<a@b>', null],
  ['', null],
];
for (const [argument, path, params = []] of mails) {
  test(`MAIL ${argument}`, () => {
    const parsed = parseMailArgument(argument);
    if ('problem' in parsed) assert.equal(path, null, parsed.problem);
    else assert.deepEqual([parsed.path, [...parsed.params]], [path, params]);
  });
}

const rcpts: [argument: string, path: string | null][] = [
  ['TO:<a@b>', '<a@b>'],
  ['to: a@b', 'a@b'],
  ['TO:postmaster', 'postmaster'],
  ['TO:Abuse', 'Abuse'],
  ['TO:somebody', null],
  ['TO:', null],
  ['TO:<a@b> ORCPT=utf-8;\u00fc@b', '<a@b>'],
  ['TO:<a@b> ORCPT=utf-8;\x85', null],
  ['TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY', null],
  ['FROM:<a@b>', null],
];
for (const [argument, path] of rcpts) {
  test(`RCPT ${argument}`, () => {
    const parsed = parseRcptArgument(argument);
    assert.equal('problem' in parsed ? null : parsed.path, path);
  });
}
