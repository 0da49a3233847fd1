// The file operations of queue/maildir with faults: any call can be made to fail, to write less than asked, or to
// wait. Nothing waits for the disk here.

import { type MaildirFiles, nodeFiles } from '../../plugins/queue/_maildir-files.ts';

export interface Call {
  readonly name: keyof MaildirFiles;
  /** where the call has one */
  readonly path: string | null;
}

export interface Faults {
  /** an error code such as ENOSPC for the call with this number (from 1), or null */
  readonly fail?: (number: number, call: Call) => string | null;
  /** most octets that one write takes */
  readonly writesAtMost?: number;
  /** what a sync waits for; `path` is that of the folder, null for a file */
  readonly whenSynced?: (path: string | null) => Promise<void>;
}

export interface FaultyFiles {
  readonly files: MaildirFiles;
  readonly calls: readonly Call[];
  /** how many files and folders are open */
  openCount(): number;
}

export function faultyFiles({
  fail,
  writesAtMost = Number.POSITIVE_INFINITY,
  whenSynced,
}: Faults = {}): FaultyFiles {
  const calls: Call[] = [];
  const open = new Set<number>();
  const folders = new Map<number, string>();
  const enter = (name: keyof MaildirFiles, path: string | null = null) => {
    const call = { name, path };
    calls.push(call);
    const code = fail?.(calls.length, call) ?? null;
    if (code !== null) throw Object.assign(new Error(`${code}: made up, ${name}`), { code });
  };
  const part = (pieces: readonly Buffer[]) =>
    writesAtMost === Number.POSITIVE_INFINITY ? pieces : [Buffer.concat(pieces).subarray(0, writesAtMost)];
  const files: MaildirFiles = {
    create(path, mode) {
      enter('create', path);
      const fd = nodeFiles.create(path, mode);
      open.add(fd);
      return fd;
    },
    setFileMode(fd, mode) {
      enter('setFileMode');
      nodeFiles.setFileMode(fd, mode);
    },
    writeNow(fd, pieces) {
      enter('writeNow');
      return nodeFiles.writeNow(fd, part(pieces));
    },
    async write(fd, pieces) {
      enter('write');
      return nodeFiles.write(fd, part(pieces));
    },
    async sync(fd) {
      const folder = folders.get(fd) ?? null;
      enter('sync', folder);
      await whenSynced?.(folder);
    },
    // As on Linux, a close that fails has closed.
    close(fd) {
      nodeFiles.close(fd);
      open.delete(fd);
      folders.delete(fd);
      enter('close');
    },
    link(from, to) {
      enter('link', to);
      nodeFiles.link(from, to);
    },
    remove(path) {
      enter('remove', path);
      nodeFiles.remove(path);
    },
    makeFolder(path, mode) {
      enter('makeFolder', path);
      nodeFiles.makeFolder(path, mode);
    },
    setFolderMode(path, mode) {
      enter('setFolderMode', path);
      nodeFiles.setFolderMode(path, mode);
    },
    openFolder(path) {
      enter('openFolder', path);
      const fd = nodeFiles.openFolder(path);
      open.add(fd);
      folders.set(fd, path);
      return fd;
    },
    async list(folder) {
      enter('list', folder);
      return nodeFiles.list(folder);
    },
    async lastUse(path) {
      enter('lastUse', path);
      return nodeFiles.lastUse(path);
    },
  };
  return { files, calls, openCount: () => open.size };
}
