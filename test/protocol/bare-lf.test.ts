import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BareLfFinder } from '../../src/protocol/bare-lf.ts';

function found(pieces: readonly string[]): boolean {
  const finder = new BareLfFinder();
  return pieces.map((piece) => finder.isIn(Buffer.from(piece, 'latin1'))).includes(true);
}

const cases: readonly (readonly [text: string, hasBareLf: boolean])[] = [
  ['', false],
  ['text', false],
  ['a\r\nb\r\n', false],
  ['\r\n\r\r\n', false],
  ['\r', false],
  ['\n', true],
  ['\r\n\n', true],
  ['a\nb', true],
  ['a\n\r', true],
  ['\xff\n', true],
];

for (const [text, expected] of cases) {
  test(`${JSON.stringify(text)}: ${expected}, however it is cut`, () => {
    assert.equal(found([text]), expected);
    assert.equal(found([...text]), expected);
    for (let at = 0; at <= text.length; at++) {
      assert.equal(found([text.slice(0, at), '', text.slice(at)]), expected, `cut at ${at}`);
    }
  });
}
