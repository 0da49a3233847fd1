// Where things lie in a spool, and the names of messages. One message is one file; which folder it lies in says what
// is to become of it.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../contract/plugin.ts';

/** The folders of messages: to be delivered, held by the operator, not to be read. */
export type Shelf = 'queue' | 'hold' | 'corrupt';

const ID = /^[0-9a-z]{1,20}(?:-[0-9a-z]{1,20}){0,8}$/;

/** Names come from the command line too: none may lead out of the folder. */
export function isMessageId(text: string): boolean {
  return ID.test(text);
}

export class SpoolPlace {
  readonly dir: string;

  /** @param dir absolute */
  constructor(dir: string) {
    this.dir = dir;
  }

  /** where messages are written; whatever lies there is nobody's message yet */
  get tmp(): string {
    return join(this.dir, 'tmp');
  }

  /** where `qpsmtpd queue` leaves its wishes for the server that runs the spool */
  get control(): string {
    return join(this.dir, 'control');
  }

  /** names the process that runs the spool */
  get lock(): string {
    return join(this.dir, 'lock');
  }

  /** all of them; where the last one is, the others are */
  get folders(): readonly string[] {
    return [this.shelf('queue'), this.shelf('hold'), this.shelf('corrupt'), this.control, this.tmp];
  }

  shelf(shelf: Shelf): string {
    return join(this.dir, shelf);
  }

  message(shelf: Shelf, id: string): string {
    return join(this.dir, shelf, id);
  }
}

/** A word for whoever writes to a spool, another one each time. */
export function newToken(): string {
  return Number.parseInt(randomBytes(4).toString('hex'), 16).toString(36).padStart(7, '0');
}

/** Gives names TIME-TOKEN-COUNT, in the order of time, each another one. */
export function messageIds(clock: Clock, token: string): () => string {
  let count = 0;
  return () => `${clock.now().getTime().toString(36).padStart(9, '0')}-${token}-${(++count).toString(36)}`;
}

/** When a message with this name came in, in milliseconds since 1970. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.split('-', 1)[0] ?? '', 36);
}

/** Who has written it. */
export function tokenOfId(id: string): string {
  return id.split('-')[1] ?? '';
}
