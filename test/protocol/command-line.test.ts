import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine, parseMailArgument, parseRcptArgument } from '../../src/protocol/command-line.ts';

test('verb and argument', () => {
  assert.deepEqual(parseCommandLine('MAIL  FROM:<a@b> '), { verb: 'mail', argument: 'FROM:<a@b>' });
  assert.deepEqual(parseCommandLine('quit'), { verb: 'quit', argument: '' });
  assert.deepEqual(parseCommandLine(''), { verb: '', argument: '' });
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
  ['FROM:<a@b>', null],
];
for (const [argument, path] of rcpts) {
  test(`RCPT ${argument}`, () => {
    const parsed = parseRcptArgument(argument);
    assert.equal('problem' in parsed ? null : parsed.path, path);
  });
}
