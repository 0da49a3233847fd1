// Command lines out of chunks, against a model that sees all octets at once.

import assert from 'node:assert/strict';
import { LineReader } from '../../src/protocol/line-reader.ts';
import { Mutator } from './support/mutator.ts';
import { cut, Random, seedOf } from './support/random.ts';
import type { Target } from './support/target.ts';

const LIMIT = 64;
const seeds = [
  'EHLO a\r\nMAIL FROM:<a@a>\r\n',
  'a\nb\r\n\r\n\r',
  `${'x'.repeat(62)}\r\n${'y'.repeat(63)}\r\n`,
];
const tokens = ['\r\n', '\n', '\r', 'QUIT', ' ', 'x'.repeat(61), 'x'.repeat(62), 'x'.repeat(63), '\0'];

export const lineReaderTarget: Target = {
  name: 'line-reader',
  promise: 'gives the same lines however the octets are cut into chunks',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: check };
  },
};

function check(input: Buffer): void {
  const reader = new LineReader();
  const lines: string[] = [];
  for (const chunk of cut(input, new Random(seedOf(input)))) {
    reader.push(chunk);
    const announced = reader.hasLine;
    let line = reader.next(LIMIT);
    assert.equal(announced, line !== null);
    for (; line !== null; line = reader.next(LIMIT)) lines.push(line === 'too-long' ? line : `=${line.text}`);
  }
  const whole = input.toString('latin1').split('\n').slice(0, -1);
  assert.deepEqual(
    lines,
    whole.map((line) => (line.length >= LIMIT ? 'too-long' : `=${line.replace(/\r$/, '')}`)),
  );
}
