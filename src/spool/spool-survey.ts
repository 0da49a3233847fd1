// What lies in a spool when a server begins to run it: messages that wait, and what a process that is gone has left half
// written. Read one after the other, and only as far as needed: there may be 100,000.

import { join } from 'node:path';
import { errorCode } from '../files/durable-files.ts';
import type { MailSpool } from './mail-spool.ts';
import { CorruptEntry, nextAttempt } from './queue-entry.ts';
import { isMessageId, timeOfId, tokenOfId } from './spool-place.ts';

// Whoever has just put a message there may still take it back, unless he is gone.
const YOUNG_MS = 10_000;
// Nobody is at work on one file for so long without writing to it.
const STALE_MS = 600_000;

export interface Waiting {
  readonly id: string;
  /** milliseconds since 1970, 0 = at once */
  readonly next: number;
}

interface SurveyWish {
  readonly isKnown: (id: string) => boolean;
  /** word of a process that is known to be gone */
  readonly gone: string | null;
}

/** Messages in the queue that are not known yet. @throws the file system's error, when the folder cannot be read */
export async function* listWaiting(spool: MailSpool, { isKnown, gone }: SurveyWish): AsyncIterable<Waiting> {
  for await (const id of spool.files.list(spool.place.shelf('queue'))) {
    if (!isMessageId(id) || isKnown(id) || spool.isUnsettled(id)) continue;
    const next = await nextOf(spool, id);
    if (next === null) continue;
    const isSettled = [spool.token, gone].includes(tokenOfId(id));
    yield { id, next: isSettled ? next : Math.max(next, timeOfId(id) + YOUNG_MS) };
  }
}

async function nextOf(spool: MailSpool, id: string): Promise<number | null> {
  try {
    return await nextAttempt(spool.files, spool.place.message('queue', id));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    // Whoever opens it to deliver it finds out what is wrong with it, and says so.
    if (error instanceof CorruptEntry || errorCode(error) !== undefined) return 0;
    throw error;
  }
}

/** Removes from tmp what nobody writes to any more. @param gone word of a process that is known to be gone */
export async function removeLeftovers(
  { files, place, token }: MailSpool,
  gone: string | null,
  now: number,
): Promise<void> {
  for await (const name of files.list(place.tmp)) {
    const path = join(place.tmp, name);
    const writer = name.endsWith('.lock') ? name.slice(0, -'.lock'.length) : tokenOfId(name);
    if (writer === token) continue;
    try {
      const lastUse = writer === gone ? 0 : await files.lastUse(path);
      if (lastUse !== null && lastUse < now - STALE_MS) await files.removeLater(path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}
