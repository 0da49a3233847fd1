import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, isAscii } from '../../src/protocol/esmtp-utf8.ts';

const octets = (text: string) => Buffer.from(text).toString('latin1');

test('octets become text', () => {
  for (const text of ['', 'plain', '\0\x7f', 'ü', '用户', '💡', '\ufeffa', 'e\u0301']) {
    assert.equal(decodeUtf8(octets(text)), text);
  }
});

test('what is not UTF-8 is null', () => {
  // Latin-1, a character cut off, one in a longer form than needed, a surrogate, beyond the last character.
  for (const bad of ['\xfc', 'a\xc3', '\xc0\xaf', '\xed\xa0\x80', '\xf4\x90\x80\x80']) {
    assert.equal(decodeUtf8(bad), null);
  }
});

test('ASCII ends at 127', () => {
  assert.equal(isAscii('\0~\x7f'), true);
  assert.equal(isAscii('a\x80'), false);
});
