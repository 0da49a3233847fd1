// The file operations of queue/maildir on a disk that can crash.

import type { MaildirFiles } from '../../plugins/queue/_maildir-files.ts';
import type { CrashDisk } from './crash-disk.ts';

export function maildirFilesOn(disk: CrashDisk): MaildirFiles {
  return {
    create: (path) => disk.open(path, { create: true, exclusive: true }, 'create'),
    setFileMode: (fd) => disk.touchMode(disk.pathOf(fd), 'setFileMode'),
    writeNow: (fd, pieces) => disk.write(fd, pieces, 'writeNow'),
    write: (fd, pieces) => disk.writeLater(fd, pieces),
    sync: (fd) => disk.sync(fd),
    close: (fd) => disk.close(fd),
    link: (from, to) => disk.link(from, to),
    remove: (path) => disk.remove(path),
    makeFolder: (path) => disk.makeFolder(path),
    setFolderMode: (path) => disk.touchMode(path, 'setFolderMode'),
    openFolder: (path) => disk.openFolder(path),
    list: async (folder) => disk.list(folder),
    async lastUse(path) {
      const { kind, time } = disk.examine(path);
      return kind === 'file' ? time : null;
    },
  };
}
