// A file system in memory for tests of what survives kill -9 and the loss of power. Every call that changes it is a
// step; whoever watches the steps can take a copy of the disk at each, which is what a crash there leaves behind. The
// program under test never notices: no code of its own can tidy up after the crash, as in life. Calls that wait
// (fsync, large writes) end in an order that the seed chooses.

import { basename, dirname } from 'node:path';
import { type DiskNode, DiskState, type FileNode, type FolderNode, newFolder } from './disk-state.ts';

export interface DiskCall {
  readonly name: string;
  readonly path: string;
}

export interface DiskSettings {
  /** numbers between 0 and 1; decides which call that waits ends first */
  readonly random: () => number;
  /** what is on the disk at first; empty */
  readonly state?: DiskState;
  /** an error code such as ENOSPC for a call, or null */
  readonly fail?: (call: DiskCall) => string | null;
  /** most octets that one write takes */
  readonly writesAtMost?: number;
  /** milliseconds since 1970, for times of files */
  readonly now?: () => number;
  /** told after each change of the disk, and in the middle of a write */
  readonly onStep?: (call: DiskCall) => void;
}

interface Opened {
  readonly path: string;
  readonly node: DiskNode;
  position: number;
}

export interface OpenFlags {
  /** a file that is missing is made */
  readonly create?: boolean;
  /** a file that is there is an error */
  readonly exclusive?: boolean;
  /** writes go behind what is there */
  readonly append?: boolean;
}

export class CrashDisk {
  readonly state: DiskState;
  readonly calls: DiskCall[] = [];
  readonly #settings: DiskSettings;
  readonly #open = new Map<number, Opened>();
  readonly #waiting: (() => void)[] = [];
  #lastFd = 2;

  constructor(settings: DiskSettings) {
    this.#settings = settings;
    this.state = settings.state ?? new DiskState();
  }

  /** how many files and folders are open */
  get openCount(): number {
    return this.#open.size;
  }

  open(
    path: string,
    { create = false, exclusive = false, append = false }: OpenFlags = {},
    name = 'open',
  ): number {
    const call = this.#enter(name, path);
    let node = this.#find(path);
    if (node !== null && exclusive) throw failure('EEXIST', call);
    if (node === null) {
      if (!create) throw failure('ENOENT', call);
      node = { kind: 'file', content: Buffer.alloc(0), synced: null, time: this.#now() };
      this.#setEntries(call, [[path, node]]);
      this.#step(call);
    }
    const position = append && node.kind === 'file' ? node.content.length : 0;
    this.#open.set(++this.#lastFd, { path, node, position });
    return this.#lastFd;
  }

  /** Writes at the position of the file; gives how many octets. */
  write(fd: number, pieces: readonly Uint8Array[], name = 'write'): number {
    const call = this.#enter(name, this.#opened(fd).path);
    return this.#writeNow(fd, pieces, call);
  }

  async writeLater(fd: number, pieces: readonly Uint8Array[], name = 'write'): Promise<number> {
    const call = this.#enter(name, this.#opened(fd).path);
    await this.#turn();
    return this.#writeNow(fd, pieces, call);
  }

  /** Gives at most so many octets from a place. */
  read(fd: number, length: number, at: number): Buffer {
    const { path, node } = this.#opened(fd);
    const call = this.#enter('read', path);
    if (node.kind === 'folder') throw failure('EISDIR', call);
    return node.content.subarray(at, at + length);
  }

  readFile(path: string): Buffer {
    const call = this.#enter('readFile', path);
    const node = this.#find(path);
    if (node === null) throw failure('ENOENT', call);
    if (node.kind === 'folder') throw failure('EISDIR', call);
    return node.content;
  }

  truncate(fd: number, size: number): void {
    const { path, node } = this.#opened(fd);
    const call = this.#enter('truncate', path);
    if (node.kind === 'folder') throw failure('EISDIR', call);
    node.content = Buffer.concat([node.content.subarray(0, size)], size);
    this.#step(call);
  }

  /** fsync. What is written or entered while it is under way is not its concern. */
  async sync(fd: number, name = 'sync'): Promise<void> {
    const { path, node } = this.#opened(fd);
    const call = this.#enter(name, path);
    const content = node.kind === 'file' ? node.content : null;
    const changes = node.kind === 'folder' ? this.state.pendingOf(node) : [];
    await this.#turn();
    if (node.kind === 'file') node.synced = content;
    this.state.settle(changes);
    this.#step(call);
  }

  close(fd: number): void {
    const { path } = this.#opened(fd);
    this.#open.delete(fd);
    // As on Linux, a close that fails has closed.
    this.#enter('close', path);
  }

  link(from: string, to: string): void {
    const call = this.#enter('link', to);
    const node = this.#find(from);
    if (node === null) throw failure('ENOENT', call);
    if (this.#find(to) !== null) throw failure('EEXIST', call);
    this.#setEntries(call, [[to, node]]);
    this.#step(call);
  }

  rename(from: string, to: string): void {
    const call = this.#enter('rename', to);
    const node = this.#find(from);
    if (node === null) throw failure('ENOENT', call);
    this.#setEntries(call, [
      [from, null],
      [to, node],
    ]);
    this.#step(call);
  }

  remove(path: string): void {
    const call = this.#enter('remove', path);
    const node = this.#find(path);
    if (node === null) throw failure('ENOENT', call);
    if (node.kind === 'folder') throw failure('EISDIR', call);
    this.#setEntries(call, [[path, null]]);
    this.#step(call);
  }

  makeFolder(path: string): void {
    const call = this.#enter('makeFolder', path);
    if (this.#find(path) !== null) throw failure('EEXIST', call);
    this.#setEntries(call, [[path, newFolder()]]);
    this.#step(call);
  }

  openFolder(path: string): number {
    const call = this.#enter('openFolder', path);
    const node = this.#find(path);
    if (node === null) throw failure('ENOENT', call);
    if (node.kind === 'file') throw failure('ENOTDIR', call);
    this.#open.set(++this.#lastFd, { path, node, position: 0 });
    return this.#lastFd;
  }

  list(path: string): string[] {
    const call = this.#enter('list', path);
    const node = this.#find(path);
    if (node === null) throw failure('ENOENT', call);
    if (node.kind === 'file') throw failure('ENOTDIR', call);
    return [...node.entries.keys()];
  }

  /** What is there, and when it was last written. */
  examine(path: string): { readonly kind: DiskNode['kind']; readonly size: number; readonly time: number } {
    const call = this.#enter('examine', path);
    const node = this.#find(path);
    if (node === null) throw failure('ENOENT', call);
    return node.kind === 'file'
      ? { kind: 'file', size: node.content.length, time: node.time }
      : { kind: 'folder', size: 0, time: 0 };
  }

  setTime(path: string, time: Date): void {
    const call = this.#enter('setTime', path);
    const node = this.#find(path);
    if (node === null) throw failure('ENOENT', call);
    if (node.kind === 'file') node.time = time.getTime();
  }

  /** Changes nothing that survives, but can fail: chmod and such. */
  touchMode(path: string, name: string): void {
    this.#enter(name, path);
  }

  pathOf(fd: number): string {
    return this.#opened(fd).path;
  }

  #enter(name: string, path: string): DiskCall {
    const call = { name, path };
    this.calls.push(call);
    const code = this.#settings.fail?.(call) ?? null;
    if (code !== null) throw failure(code, call);
    return call;
  }

  #step(call: DiskCall): void {
    this.#settings.onStep?.(call);
  }

  #now(): number {
    return this.#settings.now?.() ?? 0;
  }

  #opened(fd: number): Opened {
    const opened = this.#open.get(fd);
    if (opened === undefined) throw failure('EBADF', { name: 'fd', path: String(fd) });
    return opened;
  }

  #writeNow(fd: number, pieces: readonly Uint8Array[], call: DiskCall): number {
    const opened = this.#opened(fd);
    const { node } = opened;
    if (node.kind === 'folder') throw failure('EISDIR', call);
    const octets = Buffer.concat(pieces).subarray(0, this.#settings.writesAtMost);
    // A crash may find half of it written.
    for (const part of [octets.subarray(0, octets.length >> 1), octets.subarray(octets.length >> 1)]) {
      node.content = overwritten(node, opened.position, part);
      node.time = this.#now();
      opened.position += part.length;
      this.#step(call);
    }
    return octets.length;
  }

  #setEntries(call: DiskCall, entries: readonly (readonly [path: string, node: DiskNode | null])[]): void {
    const effects = entries.map(([path, node]) => {
      const folder = this.#find(dirname(path));
      if (folder === null) throw failure('ENOENT', call);
      if (folder.kind === 'file') throw failure('ENOTDIR', call);
      return { folder, name: basename(path), node };
    });
    this.state.enter({ effects });
  }

  #find(path: string): DiskNode | null {
    return findOn(this.state, path);
  }

  /** Waits until it is this one's turn among all that wait. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(() => this.#wakeOne());
    });
  }

  #wakeOne(): void {
    const at = Math.floor(this.#settings.random() * this.#waiting.length);
    const [wake] = this.#waiting.splice(at, 1);
    wake?.();
    if (this.#waiting.length > 0) setImmediate(() => this.#wakeOne());
  }
}

/** Path and content of every file on a disk. */
export function filesOn(state: DiskState): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const walk = (folder: FolderNode, path: string) => {
    for (const [name, node] of folder.entries) {
      if (node.kind === 'file') found.set(`${path}/${name}`, node.content);
      else walk(node, `${path}/${name}`);
    }
  };
  walk(state.root, '');
  return found;
}

function findOn(state: DiskState, path: string): DiskNode | null {
  let node: DiskNode | null = state.root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (node?.kind !== 'folder') return null;
    node = node.entries.get(name) ?? null;
  }
  return node;
}

function overwritten({ content }: FileNode, at: number, part: Buffer): Buffer {
  return Buffer.concat([content.subarray(0, at), part, content.subarray(at + part.length)]);
}

function failure(code: string, { name, path }: DiskCall): Error {
  return Object.assign(new Error(`${code}: made up, ${name} '${path}'`), { code });
}
