// The body of a message: in memory up to size_threshold, beyond that in a file of the spool, so that a big
// message costs no more memory than a small one. The file loses its name at once: whatever happens to the
// process, nothing is left behind.

import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { Body } from '../contract/connection.ts';
import { bodyLines } from './body-lines.ts';

// Under this size a piece is copied into a page: a client that sends octet by octet must not cost a buffer
// object for each.
const SMALL_PIECE = 1024;
const PAGE = 8 * 1024;
const READ_SIZE = 256 * 1024;
const MOST_UNWRITTEN = 512 * 1024;

export interface BodyStore {
  /** octets that may be held in memory: config/size_threshold */
  readonly threshold: number;
  newPath(): string;
}

export class StoredBody implements Body {
  readonly #store: BodyStore;
  #size = 0;
  #pieces: Buffer[] = [];
  #held = 0;
  #page: Buffer | null = null;
  #pageUsed = 0;
  /** whether the last of the pieces is the end of the page, so that it can grow */
  #growing = false;
  #file: FileHandle | null = null;
  #written = 0;

  constructor(store: BodyStore) {
    this.#store = store;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds pieces, which are nobody else's from then on: buffers are given back as soon as they are written. A promise
   * comes back when they had to be written; wait for it before the next.
   * @throws the file system's error, when the spool cannot be written
   */
  append(pieces: readonly Buffer[]): Promise<void> | undefined {
    for (const piece of pieces) {
      this.#size += piece.length;
      this.#held += piece.length;
      if (piece.length < SMALL_PIECE) this.#addSmall(piece);
      else this.#add(piece);
    }
    const most = this.#file === null ? this.#store.threshold : MOST_UNWRITTEN;
    return this.#held > most ? this.#write() : undefined;
  }

  /** Writes what still waits for the file. Call once, when the message is complete. */
  finish(): Promise<void> | undefined {
    return this.#file !== null && this.#held > 0 ? this.#write() : undefined;
  }

  inMemory(): readonly Buffer[] | null {
    return this.#file === null ? this.#pieces : null;
  }

  async *chunks(): AsyncIterable<Buffer> {
    const file = this.#file;
    if (file !== null) {
      for (let at = 0; at < this.#written; ) {
        const length = Math.min(READ_SIZE, this.#written - at);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
        if (bytesRead === 0) throw new Error('the spool file is shorter than what was written');
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    }
    yield* this.#pieces;
  }

  lines(): AsyncIterable<string> {
    return bodyLines(this.chunks());
  }

  /** Frees memory and file. */
  async dispose(): Promise<void> {
    this.#pieces = [];
    this.#page = null;
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  #add(piece: Buffer): void {
    this.#growing = false;
    this.#pieces.push(piece);
  }

  #addSmall(piece: Buffer): void {
    if (this.#page === null || this.#pageUsed + piece.length > PAGE) {
      // The first small piece, often the whole body, is kept as it is.
      if (this.#pieces.length === 0) {
        this.#pieces.push(piece);
        return;
      }
      this.#page = Buffer.allocUnsafe(PAGE);
      this.#pageUsed = 0;
      this.#growing = false;
    }
    if (!this.#growing) this.#pieces.push(this.#page.subarray(this.#pageUsed, this.#pageUsed));
    this.#growing = true;
    piece.copy(this.#page, this.#pageUsed);
    const start = this.#pageUsed - (this.#pieces.at(-1)?.length ?? 0);
    this.#pageUsed += piece.length;
    this.#pieces[this.#pieces.length - 1] = this.#page.subarray(start, this.#pageUsed);
  }

  async #write(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#page = null;
    this.#held = 0;
    this.#file ??= await this.#open();
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    await writeFully(this.#file, pieces, length);
    this.#written += length;
    for (const piece of pieces) giveBack(piece);
  }

  async #open(): Promise<FileHandle> {
    const path = this.#store.newPath();
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  }
}

// Left to V8, a big message costs twice as much: for every 13 MB of dropped buffers it marks and sweeps the whole heap.
// Somebody may still hold the rest of a buffer that is only in part a piece.
function giveBack({ buffer, length }: Buffer): void {
  const isWhole = length === buffer.byteLength && length >= SMALL_PIECE;
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** writev until all is written: a short write on a full disk is followed by the error. */
async function writeFully(file: FileHandle, pieces: Buffer[], length: number): Promise<void> {
  const { bytesWritten } = await file.writev(pieces);
  if (bytesWritten === length) return;
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let at = 0; at < rest.length; ) {
    at += (await file.write(rest, at, rest.length - at)).bytesWritten;
  }
}
