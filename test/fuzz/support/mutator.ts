// Makes cases: takes a seed, or a text put together from tokens of the protocol, and spoils it a little.

import type { Random } from './random.ts';

const LONGEST = 65_536;
const ODD_OCTETS = Buffer.from([
  0, 1, 9, 10, 13, 32, 34, 39, 43, 45, 46, 58, 60, 61, 62, 64, 92, 127, 128, 255,
]);

type Change = (text: Buffer, random: Random) => Buffer;

export class Mutator {
  readonly #seeds: readonly Buffer[];
  readonly #tokens: readonly Buffer[];
  readonly #changes: readonly Change[];

  /** Texts are taken as one octet a character. */
  constructor(seeds: readonly (string | Buffer)[], tokens: readonly (string | Buffer)[]) {
    this.#seeds = seeds.map(octetsOf);
    this.#tokens = tokens.map(octetsOf);
    const token: Change = (text, random) => insert(text, random, random.pick(this.#tokens));
    this.#changes = [
      ...[token, token, token, token],
      (text, random) => replace(text, random, random.pick(this.#tokens)),
      (text, random) => splice(text, random.pick(this.#seeds), random),
      ...[flipBit, setOctet, setOctet, removeRange, removeRange, repeatRange, moveRange, truncate],
    ];
  }

  make(random: Random): Buffer {
    let text = random.once(4) ? this.#fromTokens(random) : random.pick(this.#seeds);
    for (let left = 1 + random.size(8); left > 0; left--) text = random.pick(this.#changes)(text, random);
    if (random.once(2000)) text = stretch(text, random);
    return text.length > LONGEST ? text.subarray(0, LONGEST) : text;
  }

  #fromTokens(random: Random): Buffer {
    return Buffer.concat(Array.from({ length: 1 + random.below(24) }, () => random.pick(this.#tokens)));
  }
}

const octetsOf = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text);

/** A range within the text, of any length. */
function rangeOf(text: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(text.length + 1);
  return [from, from + random.below(Math.min(text.length - from, 1 + random.size(text.length)) + 1)];
}

function insert(text: Buffer, random: Random, token: Buffer): Buffer {
  const at = random.below(text.length + 1);
  return Buffer.concat([text.subarray(0, at), token, text.subarray(at)]);
}

function replace(text: Buffer, random: Random, token: Buffer): Buffer {
  const [from, to] = rangeOf(text, random);
  return Buffer.concat([text.subarray(0, from), token, text.subarray(to)]);
}

function splice(text: Buffer, other: Buffer, random: Random): Buffer {
  return Buffer.concat([
    text.subarray(0, random.below(text.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);
}

const flipBit: Change = (text, random) => {
  const copy = Buffer.from(text);
  const at = random.below(text.length);
  if (text.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
};

const setOctet: Change = (text, random) => {
  const copy = Buffer.from(text);
  const octet = random.once(2) ? random.below(256) : (ODD_OCTETS[random.below(ODD_OCTETS.length)] ?? 0);
  if (text.length > 0) copy[random.below(text.length)] = octet;
  return copy;
};

const removeRange: Change = (text, random) => {
  const [from, to] = rangeOf(text, random);
  return Buffer.concat([text.subarray(0, from), text.subarray(to)]);
};

const repeatRange: Change = (text, random) => {
  const [from, to] = rangeOf(text, random);
  return Buffer.concat([text.subarray(0, to), text.subarray(from)]);
};

const moveRange: Change = (text, random) => {
  const [from, to] = rangeOf(text, random);
  const rest = Buffer.concat([text.subarray(0, from), text.subarray(to)]);
  return insert(rest, random, text.subarray(from, to));
};

const truncate: Change = (text, random) => text.subarray(0, random.below(text.length + 1));

/** One range repeated until it is as long as a limit may be, or a little longer. */
function stretch(text: Buffer, random: Random): Buffer {
  const [from, to] = rangeOf(text, random);
  const length = random.pick([255, 256, 512, 1024, 2048, 4096, 16_384, LONGEST]) + random.below(3);
  const run =
    from === to ? Buffer.alloc(length, random.below(256)) : Buffer.alloc(length, text.subarray(from, to));
  return Buffer.concat([text.subarray(0, from), run, text.subarray(to)]);
}
