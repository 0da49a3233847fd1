import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { saslPrep } from '../../src/protocol/auth-saslprep.ts';

describe('SASLprep', () => {
  // RFC 4013 section 3
  const examples: readonly (readonly [text: string, prepared: string | null])[] = [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', null],
    ['\u0627\u0031', null],
  ];
  // The rules one by one.
  const more: readonly (readonly [text: string, prepared: string | null])[] = [
    ['', ''],
    ['a\u00a0b\u3000c', 'a b c'],
    ['a\u0308', '\u00e4'],
    ['a\ufe0fb', 'ab'],
    ['\u0627\u0628', '\u0627\u0628'],
    ['\u0627a\u0628', null],
    ['\u05d01\u05d1', '\u05d01\u05d1'],
    ['a\x7f', null],
    ['\ue000', null],
    ['\ufdd0', null],
    ['\ufffd', null],
    ['\u202e', null],
    ['\u{e0041}', null],
    ['\u{1f511}', '\u{1f511}'],
  ];
  for (const [text, prepared] of [...examples, ...more]) {
    it(`${JSON.stringify(text)}: ${prepared === null ? 'prohibited' : JSON.stringify(prepared)}`, () => {
      assert.equal(saslPrep(text), prepared);
    });
  }
});
