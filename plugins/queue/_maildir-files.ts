// The file operations that queue/maildir is built from. They are an interface so that tests can let any of them fail.

import * as fs from 'node:fs';
import { type DurableFiles, durableFiles } from 'qpsmtpd';

/** All of them throw, or reject with, the file system's error. Paths are absolute. */
export interface MaildirFiles extends DurableFiles {
  link(from: string, to: string): void;
  list(folder: string): Promise<readonly string[]>;
}

export const nodeFiles: MaildirFiles = { ...durableFiles, link: fs.linkSync, list: fs.promises.readdir };
