// Wishes of the operator for the server that runs a spool: empty files that `qpsmtpd queue` leaves in a folder, and
// that the server removes when it looks there.

import { join } from 'node:path';
import { errorCode } from '../files/durable-files.ts';
import type { MailSpool } from './mail-spool.ts';
import { isMessageId } from './spool-place.ts';

const ALL = 'flush';
const ONE = 'flush.';

/** Asks for an attempt now: of one message, or of all. @throws the file system's error */
export function requestFlush({ files, place }: MailSpool, id: string | null): void {
  const path = join(place.control, id === null ? ALL : ONE + id);
  try {
    files.close(files.create(path, 0o600));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

export interface Wishes {
  readonly all: boolean;
  readonly ids: readonly string[];
}

/** Takes what is there. @throws the file system's error */
export async function takeWishes({ files, place }: MailSpool): Promise<Wishes> {
  const ids: string[] = [];
  let all = false;
  for await (const name of files.list(place.control)) {
    await files.removeLater(join(place.control, name));
    if (name === ALL) all = true;
    const id = name.startsWith(ONE) ? name.slice(ONE.length) : '';
    if (isMessageId(id)) ids.push(id);
  }
  return { all, ids };
}
