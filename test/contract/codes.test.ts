import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Code, isDenial, logLevelOf, parseLogLevel } from '../../src/contract/codes.ts';

describe('codes', () => {
  it('that refuse are told from others', () => {
    const all: readonly Code[] = [
      'OK',
      'DENY',
      'DENYSOFT',
      'DENY_DISCONNECT',
      'DENYSOFT_DISCONNECT',
      'DECLINED',
      'DONE',
    ];
    assert.deepEqual(all.filter(isDenial), ['DENY', 'DENYSOFT', 'DENY_DISCONNECT', 'DENYSOFT_DISCONNECT']);
  });
});

describe('a log level', () => {
  for (const [text, level] of [
    ['0', 'emerg'],
    ['7', 'debug'],
    [' 4 ', 'warn'],
    ['info', 'info'],
    ['LOGINFO', 'info'],
    ['LogNotice', 'notice'],
    ['LOGRADAR', 'emerg'],
    ['8', null],
    ['-1', null],
    ['', null],
    ['log', null],
    ['logs', null],
    ['constructor', null],
    ['4.5', null],
  ] as const) {
    it(`"${text}" is ${level}`, () => assert.equal(parseLogLevel(text), level));
  }

  it('is held to 0 to 7 by number', () => {
    assert.deepEqual([-3, 0, 3.9, 7, 12].map(logLevelOf), ['emerg', 'emerg', 'error', 'debug', 'debug']);
  });
});
