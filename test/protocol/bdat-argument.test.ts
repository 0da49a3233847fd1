import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBdatArgument } from '../../src/protocol/bdat-argument.ts';

test('a size, and LAST in any case', () => {
  assert.deepEqual(parseBdatArgument('0'), { size: 0, isLast: false, hasJunk: false });
  assert.deepEqual(parseBdatArgument('1000 LAST'), { size: 1000, isLast: true, hasJunk: false });
  assert.deepEqual(parseBdatArgument('0042  last'), { size: 42, isLast: true, hasJunk: false });
  assert.deepEqual(parseBdatArgument('999999999999999'), {
    size: 999_999_999_999_999,
    isLast: false,
    hasJunk: false,
  });
});

test('another word behind the size is junk, and the size still counts', () => {
  for (const word of ['FIRST', 'LAST LAST', '7', 'LASTLY']) {
    assert.deepEqual(parseBdatArgument(`6 ${word}`), { size: 6, isLast: false, hasJunk: true });
  }
});

test('what is no number has no size', () => {
  for (const text of ['', 'LAST', '-1', '+1', '1.5', '0x10', '1e3', '12LAST', '9'.repeat(16), '٣']) {
    assert.equal(parseBdatArgument(text), null, text);
  }
});
