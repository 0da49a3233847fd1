// The file operations of a spool on a disk that can crash.

import type { SpoolFiles } from '../../src/spool/spool-files.ts';
import type { CrashDisk } from './crash-disk.ts';

export function spoolFilesOn(disk: CrashDisk): SpoolFiles {
  return {
    create: (path) => disk.open(path, { create: true, exclusive: true }, 'create'),
    setFileMode: (fd) => disk.touchMode(disk.pathOf(fd), 'setFileMode'),
    writeNow: (fd, pieces) => disk.write(fd, pieces, 'writeNow'),
    write: (fd, pieces) => disk.writeLater(fd, pieces),
    sync: (fd) => disk.sync(fd),
    close: (fd) => disk.close(fd),
    remove: (path) => disk.remove(path),
    makeFolder: (path) => disk.makeFolder(path),
    setFolderMode: (path) => disk.touchMode(path, 'setFolderMode'),
    openFolder: (path) => disk.openFolder(path),
    async lastUse(path) {
      const { kind, time } = disk.examine(path);
      return kind === 'file' ? time : null;
    },
    rename: (from, to) => disk.rename(from, to),
    openEntry: async (path) => disk.open(path, { append: true }, 'openEntry'),
    sizeOf: async (fd) => disk.examine(disk.pathOf(fd)).size,
    read: async (fd, length, at) => disk.read(fd, length, at),
    removeLater: async (path) => disk.remove(path),
    async *list(folder) {
      yield* disk.list(folder);
    },
    readNow: (path) => disk.readFile(path).toString('utf8'),
    touch: (path, time) => disk.setTime(path, time),
  };
}
