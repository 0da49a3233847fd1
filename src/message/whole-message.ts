// Header and body as one, in the line ends that the next hop wants.

import type { Body, LineEnds, MessageContent } from '../contract/connection.ts';
import type { Header } from '../protocol/header.ts';
import { LineEndConverter } from './line-ends.ts';

const CRLF = Buffer.from('\r\n');

export class WholeMessage implements MessageContent {
  readonly #header: Header;
  readonly #separator: Buffer;
  readonly #body: Body;

  /** @param separator the blank line as received; empty when the message had none */
  constructor(header: Header, separator: Buffer, body: Body) {
    this.#header = header;
    this.#separator = separator;
    this.#body = body;
  }

  get size(): number {
    return this.#head().reduce((sum, piece) => sum + piece.length, this.#body.size);
  }

  inMemory(lineEnds: LineEnds): readonly Buffer[] | null {
    const body = this.#body.inMemory();
    if (body === null) return null;
    const pieces = [...this.#head(), ...body];
    if (lineEnds === 'as-received') return pieces;
    const converter = new LineEndConverter(lineEnds);
    return [...pieces.map((piece) => converter.convert(piece)), converter.end()];
  }

  async *chunks(lineEnds: LineEnds): AsyncIterable<Buffer> {
    const converter = new LineEndConverter(lineEnds);
    for (const piece of this.#head()) yield converter.convert(piece);
    for await (const piece of this.#body.chunks()) yield converter.convert(piece);
    yield converter.end();
  }

  #head(): Buffer[] {
    const head = this.#header.toBuffers();
    // A text without header got fields from us: without a blank line they would swallow it.
    const missing = this.#separator.length === 0 && this.#header.size > 0 && this.#body.size > 0;
    const separator = missing ? CRLF : this.#separator;
    return separator.length === 0 ? head : [...head, separator];
  }
}
