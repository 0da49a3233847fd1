// The octets behind DATA in random chunks, against a model that reads them one by one.

import assert from 'node:assert/strict';
import { MessageReader, type ReaderState } from '../../src/protocol/message-reader.ts';
import { readData } from './support/data-model.ts';
import { Mutator } from './support/mutator.ts';
import { cut, Random, seedOf } from './support/random.ts';
import type { Target } from './support/target.ts';

const seeds = [
  'Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n',
  '.\r\n',
  '..\r\n.x\r\n\r\n..\r\n.\r\n',
  'a\n.\r\nb\r\n.\nc\r.\r\n\r\n.\r',
  'a\r\n.\r\n.\r\n',
];
const tokens = [
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '.',
  '.',
  '\r\n.',
  '\r\n.\r\n',
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r\n.\n',
  'a',
];

export const dataTarget: Target = {
  name: 'data',
  promise: 'ends where CRLF.CRLF is, takes stuffed dots away and tells smuggling, however chunks are cut',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: check };
  },
};

interface Result {
  readonly state: ReaderState;
  readonly message: string;
  readonly rest: string;
}

function read(chunks: readonly Buffer[], refuseBareLf: boolean): Result {
  const reader = new MessageReader({ refuseBareLf });
  const out: Buffer[] = [];
  let state: ReaderState = 'more';
  let used = 0;
  while (state === 'more' && used < chunks.length) {
    state = reader.push(chunks[used++] ?? Buffer.alloc(0), out);
  }
  const rest = Buffer.concat([reader.rest, ...chunks.slice(used)]).toString('latin1');
  return { state, message: Buffer.concat(out).toString('latin1'), rest };
}

function check(input: Buffer): void {
  const text = input.toString('latin1');
  const chunks = cut(input, new Random(seedOf(input)));
  const model = readData(text);
  const found = read(chunks, false);
  assert.equal(found.state, model.state);
  if (model.state !== 'smuggling') assert.equal(found.message, model.message);
  if (model.state === 'end') assert.equal(found.rest, text.slice(model.length));

  // Where bare LF is refused, none gets through; and nothing else is refused for it.
  const strict = read(chunks, true);
  const part = text.slice(0, model.length);
  const hasBareLf = /(?<!\r)\n/.test(part);
  if (strict.state === 'bare-lf') assert.ok(hasBareLf);
  else assert.equal(strict.state, model.state);
  if (model.state !== 'smuggling') assert.equal(strict.state === 'bare-lf', hasBareLf);
  assert.equal(read([input], true).state, strict.state, 'chunks make a difference');
}
