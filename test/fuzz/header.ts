// The border between header and body in random chunks, against a model; and what plugins do to a header.

import assert from 'node:assert/strict';
import { LineEndConverter } from '../../src/message/line-ends.ts';
import { Header } from '../../src/protocol/header.ts';
import { HeaderSplitter, type SplitMessage } from '../../src/protocol/header-splitter.ts';
import { Mutator } from './support/mutator.ts';
import { cut, Random, seedOf } from './support/random.ts';
import type { Target } from './support/target.ts';

const seeds = [
  'Subject: x\r\nFrom: a@a.example\r\n\tfolded\r\n\r\nbody\r\n',
  'From someone Mon Jan 1\nSubject : x\n\nbody\n',
  '\r\nbody',
  'no header at all\r\n\r\nSubject: x\r\n',
  'a:b\r\nno field\r\n: nameless\r\na:c\r\n d\r\n\r\n',
];
const tokens = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', '\n\n', '\r\n\n', ':', ': ', ' ', '\t', '\r\n ', 'a:', 'a: b\r\n', 'A'],
  ...['Subject: x\r\n', 'From ', '>From ', '\0', '\xe9', 'x'.repeat(127), 'x'.repeat(128), '.'],
];

export const headerTarget: Target = {
  name: 'header',
  promise:
    'header and body are together what came, however it is cut; fields are found and changed without harm',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: check };
  },
};

const join = ({ header, separator, body }: SplitMessage) => Buffer.concat([header, separator, body]);

function check(input: Buffer): void {
  const random = new Random(seedOf(input));
  const whole = split([input]);
  assert.ok(join(whole).equals(input));
  checkSplit(whole);
  const pieces = split(cut(input, random));
  assert.ok(join(pieces).equals(input));
  assert.equal(pieces.header.length, whole.header.length, 'chunks make a difference');
  assert.equal(pieces.separator.length, whole.separator.length);
  checkHeader(whole.header, random);
  checkLineEnds(input, random);
}

function split(pieces: readonly Buffer[]): SplitMessage {
  const splitter = new HeaderSplitter();
  for (const [at, piece] of pieces.entries()) {
    const found = splitter.push(piece);
    if (found !== null) return { ...found, body: Buffer.concat([found.body, ...pieces.slice(at + 1)]) };
  }
  return splitter.end();
}

function checkSplit({ header, separator, body }: SplitMessage): void {
  const text = header.toString('latin1');
  assert.doesNotMatch(text, /^\r?\n|\n\r?\n/);
  if (text === '' && separator.length === 0) {
    assert.doesNotMatch(body.toString('latin1', 0, 128), /^(?:\r?\n|[!-9;-~]+[ \t]*:|From )/);
  } else if (separator.length > 0) {
    assert.match(separator.toString('latin1'), /^\r?\n$/);
    assert.ok(text === '' || text.endsWith('\n'));
  }
}

function checkHeader(octets: Buffer, random: Random): void {
  const header = new Header(octets);
  assert.equal(header.fields.map(({ raw }) => raw).join(''), octets.toString('latin1'));
  assert.ok(Buffer.concat(header.toBuffers()).equals(octets));
  const names = header.fields.map(({ name }) => name).filter((name) => name !== '');
  const name = names.length === 0 || random.once(3) ? 'Subject' : random.pick(names);
  const count = header.all(name).length;
  assert.equal(header.has(name), count > 0);

  const value = octets.toString('latin1', 0, random.below(200));
  header.addTop(name, value);
  assert.equal(header.all(name).length, count + 1);
  checkOwnField(header.fields[0]?.raw ?? '', name);
  assert.equal(
    squeeze(header.get(name) ?? ''),
    squeeze(value.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '?')),
  );
  header.addBottom(name, value);
  assert.equal(header.all(name).length, count + 2);
  checkRead(header);
  assert.equal(header.rename(name, 'X-Renamed'), count + 2);
  assert.ok(!header.has(name));
  assert.ok(header.delete('X-Renamed') >= count + 2);
  checkRead(header);
}

/** Folds and blanks are free. */
const squeeze = (text: string) => text.replace(/[ \t\r\n]+/g, '');

/** A field of ours is one field to everybody who reads it. */
function checkOwnField(raw: string, name: string): void {
  const again = new Header(Buffer.from(raw, 'latin1'));
  assert.equal(again.fields.length, 1);
  assert.equal(again.fields[0]?.name, name);
  assert.doesNotMatch(raw, /\r(?!\n)|(?<!\r)\n|\r\n[ \t]*\r\n/);
  assert.ok(raw.endsWith('\r\n'));
}

/** Written out and read again, it has the same fields. */
function checkRead(header: Header): void {
  const octets = Buffer.concat(header.toBuffers());
  const again = new Header(octets);
  assert.deepEqual(again.fields, header.fields);
  assert.equal(header.size, octets.length);
}

function checkLineEnds(input: Buffer, random: Random): void {
  const text = input.toString('latin1');
  const models = { lf: text.replace(/\r\n/g, '\n'), crlf: text.replace(/\r?\n/g, '\r\n') };
  for (const to of ['lf', 'crlf'] as const) {
    const converter = new LineEndConverter(to);
    const out = cut(input, random).map((piece) => converter.convert(piece));
    assert.equal(Buffer.concat([...out, converter.end()]).toString('latin1'), models[to]);
  }
}
