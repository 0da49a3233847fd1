// The content of a queued message: header and body as parts of its file, the body read again each time it is asked for.

import type { Body } from '../contract/connection.ts';
import { bodyLines } from '../message/body-lines.ts';
import { WholeMessage } from '../message/whole-message.ts';
import { Header } from '../protocol/header.ts';
import { HeaderSplitter, type SplitMessage } from '../protocol/header-splitter.ts';
import type { QueueEntry } from './queue-entry.ts';

const READ_SIZE = 256 * 1024;
// Up to here a message is handed on from memory, which most plugins do with fewer system calls.
const SMALL = 64 * 1024;

export interface QueuedContent {
  readonly header: Header;
  readonly body: Body;
  readonly content: WholeMessage;
}

/** @throws the file system's error */
export async function readContent(entry: QueueEntry): Promise<QueuedContent> {
  const splitter = new HeaderSplitter();
  let split: SplitMessage | null = null;
  for (let at = 0; split === null && at < entry.contentSize; ) {
    const piece = await entry.read(SMALL, at);
    at += piece.length;
    split = splitter.push(piece);
  }
  split ??= splitter.end();
  const header = new Header(split.header);
  const bodyAt = split.header.length + split.separator.length;
  const inMemory = bodyAt + split.body.length === entry.contentSize ? split.body : null;
  const body = new QueuedBody(entry, bodyAt, inMemory);
  return { header, body, content: new WholeMessage(header, split.separator, body) };
}

class QueuedBody implements Body {
  readonly size: number;
  readonly #entry: QueueEntry;
  readonly #at: number;
  readonly #inMemory: Buffer | null;

  constructor(entry: QueueEntry, at: number, inMemory: Buffer | null) {
    this.size = entry.contentSize - at;
    this.#entry = entry;
    this.#at = at;
    this.#inMemory = inMemory;
  }

  inMemory(): readonly Buffer[] | null {
    return this.#inMemory === null ? null : [this.#inMemory];
  }

  async *chunks(): AsyncIterable<Buffer> {
    if (this.#inMemory !== null) {
      yield this.#inMemory;
      return;
    }
    for (let at = this.#at; at < this.#entry.contentSize; ) {
      const chunk = await this.#entry.read(READ_SIZE, at);
      at += chunk.length;
      yield chunk;
    }
  }

  lines(): AsyncIterable<string> {
    return bodyLines(this.chunks());
  }
}
