// One message of the spool, opened: its envelope, its content, and what has become of it, to which can be added. It
// stays usable while the operator moves its file to another folder, or removes it.

import { appendAll } from '../files/durable-write.ts';
import { decodeHead, HEAD_SIZE } from './entry-format.ts';
import { checksum, DeliveryState, decodeRecords, encodeRecord, type LogRecord } from './outcome-log.ts';
import { decodeEnvelope, type QueuedEnvelope } from './queued-envelope.ts';
import type { SpoolFiles } from './spool-files.ts';

/** The file is no message, or not whole. */
export class CorruptEntry extends Error {}

// Most messages are read whole by one call.
const FIRST_READ = 64 * 1024;

interface Parts {
  readonly envelope: QueuedEnvelope;
  readonly contentAt: number;
  readonly contentSize: number;
  /** the beginning of the file */
  readonly first: Buffer;
  readonly size: number;
}

export class QueueEntry {
  readonly id: string;
  readonly envelope: QueuedEnvelope;
  readonly state: DeliveryState;
  /** octets of the content */
  readonly contentSize: number;
  readonly #files: SpoolFiles;
  readonly #fd: number;
  readonly #contentAt: number;
  readonly #first: Buffer;
  #isClosed = false;

  private constructor(
    id: string,
    files: SpoolFiles,
    fd: number,
    parts: Parts,
    records: readonly LogRecord[],
  ) {
    this.id = id;
    this.envelope = parts.envelope;
    this.contentSize = parts.contentSize;
    this.#files = files;
    this.#fd = fd;
    this.#contentAt = parts.contentAt;
    this.#first = parts.first;
    this.state = new DeliveryState(parts.envelope.recipients.length, parts.envelope.received);
    for (const record of records) this.state.apply(record);
  }

  /** The caller closes it. @throws CorruptEntry, or the file system's error */
  static async open(files: SpoolFiles, path: string, id: string): Promise<QueueEntry> {
    const fd = await files.openEntry(path);
    try {
      const parts = await readParts(files, fd);
      const logAt = parts.contentAt + parts.contentSize;
      const log = parts.size === logAt ? [] : decodeRecords(await readAt(files, fd, parts, logAt));
      return new QueueEntry(id, files, fd, parts, log);
    } catch (error) {
      files.close(fd);
      throw error;
    }
  }

  /** So many octets of the content. @throws the file system's error */
  async read(length: number, at: number): Promise<Buffer> {
    const from = this.#contentAt + at;
    const size = Math.min(length, this.contentSize - at);
    if (from + size <= this.#first.length) return this.#first.subarray(from, from + size);
    // Whoever reads too late, after his time was up, would read another file under the same number.
    if (this.#isClosed) throw new Error('the message is closed');
    const octets = await this.#files.read(this.#fd, size, from);
    if (octets.length < size) throw new CorruptEntry('the file is shorter than it says');
    return octets;
  }

  /**
   * Adds a record to the file; the state is the caller's to change.
   * @param durable waits until it is on disk
   * @throws the file system's error; the record may be there all the same
   */
  async write(record: LogRecord, durable: boolean): Promise<void> {
    await appendAll(this.#files, this.#fd, [encodeRecord(record)]);
    if (durable) await this.#files.sync(this.#fd);
  }

  close(): void {
    this.#isClosed = true;
    this.#files.close(this.#fd);
  }
}

async function readParts(files: SpoolFiles, fd: number): Promise<Parts> {
  const size = await files.sizeOf(fd);
  const first = await files.read(fd, Math.min(size, FIRST_READ), 0);
  const head = decodeHead(first);
  if (head === null) throw new CorruptEntry('the file does not begin as a message does');
  const contentAt = HEAD_SIZE + head.envelopeSize;
  if (size < contentAt + head.contentSize) throw new CorruptEntry('the file is shorter than it says');
  const text =
    contentAt <= first.length
      ? first.subarray(HEAD_SIZE, contentAt)
      : await files.read(fd, head.envelopeSize, HEAD_SIZE);
  if (checksum(text) !== head.checksum) throw new CorruptEntry('the envelope is not what was written');
  return { envelope: decodeEnvelope(text), contentAt, contentSize: head.contentSize, first, size };
}

async function readAt(files: SpoolFiles, fd: number, { first, size }: Parts, at: number): Promise<Buffer> {
  return size <= first.length ? first.subarray(at) : files.read(fd, size - at, at);
}

/** When a message is to be tried again, as told by the end of its file; 0 = at once. @throws as `open` does */
export async function nextAttempt(files: SpoolFiles, path: string): Promise<number> {
  const fd = await files.openEntry(path);
  try {
    const head = decodeHead(await files.read(fd, HEAD_SIZE, 0));
    if (head === null) throw new CorruptEntry('the file does not begin as a message does');
    const logAt = HEAD_SIZE + head.envelopeSize + head.contentSize;
    const size = await files.sizeOf(fd);
    if (size <= logAt) return 0;
    const state = new DeliveryState(0, 0);
    for (const record of decodeRecords(await files.read(fd, size - logAt, logAt))) state.apply(record);
    return state.next;
  } finally {
    files.close(fd);
  }
}
