// What the operator can do with the messages of a spool, also while a server delivers them: every change is one rename
// or one removal, which the server finds when it next looks for the message.

import { join } from 'node:path';
import type { Clock } from '../contract/plugin.ts';
import { errorCode } from '../files/durable-files.ts';
import { requestFlush } from './control-box.ts';
import { MailSpool } from './mail-spool.ts';
import type { RecipientState } from './outcome-log.ts';
import { CorruptEntry, type QueueEntry } from './queue-entry.ts';
import { readContent } from './queued-content.ts';
import { type SpoolFiles, spoolFiles } from './spool-files.ts';
import { isMessageId, type Shelf } from './spool-place.ts';

export interface RecipientView {
  readonly address: string;
  readonly result: RecipientState['result'];
  /** what the last attempt has led to; empty before the first */
  readonly answer: string;
}

export interface MessageView {
  readonly id: string;
  readonly shelf: Shelf;
  /** octets of the content */
  readonly size: number;
  readonly received: Date;
  readonly sender: string;
  readonly attempts: number;
  /** null: as soon as possible */
  readonly next: Date | null;
  readonly recipients: readonly RecipientView[];
  /** parameters of MAIL, `BODY=8BITMIME` */
  readonly params: readonly string[];
  readonly client: string;
  /** header of the message, one octet a character */
  readonly header: string;
}

/** A message that cannot be read is told by its name and by what is wrong. */
export type Listed = MessageView | { readonly id: string; readonly shelf: Shelf; readonly problem: string };

const SHELVES: readonly Shelf[] = ['queue', 'hold', 'corrupt'];

export class SpoolDesk {
  readonly #spool: MailSpool;

  /** @param dir absolute */
  constructor(dir: string, clock: Clock, files: SpoolFiles = spoolFiles) {
    this.#spool = new MailSpool(dir, files, clock);
  }

  /** All messages, the oldest first. @throws the file system's error */
  async *list(): AsyncIterable<Listed> {
    const found: { id: string; shelf: Shelf }[] = [];
    for (const shelf of SHELVES) {
      for await (const id of this.#spool.files.list(this.#spool.place.shelf(shelf))) {
        if (isMessageId(id)) found.push({ id, shelf });
      }
    }
    found.sort((one, other) => (one.id < other.id ? -1 : 1));
    for (const { id, shelf } of found) {
      const view = await this.#view(id, shelf);
      if (view !== null) yield view;
    }
  }

  /** null when there is no such message. @throws the file system's error */
  async show(id: string): Promise<Listed | null> {
    for (const shelf of SHELVES) {
      const view = await this.#view(id, shelf);
      if (view !== null) return view;
    }
    return null;
  }

  /** Has a message tried now, or all; false when there is no such message in the queue. @throws file system's error */
  async flush(id: string | null): Promise<boolean> {
    if (id !== null && (await this.#view(id, 'queue')) === null) return false;
    requestFlush(this.#spool, id);
    return true;
  }

  /** Keeps a message from being delivered. An attempt under way goes on. @throws the file system's error */
  hold(id: string): Promise<boolean> {
    return isMessageId(id) ? this.#spool.move(id, 'queue', 'hold') : Promise.resolve(false);
  }

  /** Has a held message delivered; what had failed without a report is tried again. @throws the file system's error */
  async release(id: string): Promise<boolean> {
    if (!isMessageId(id)) return false;
    const entry = await this.#spool.open(id, 'hold');
    if (entry === null) return false;
    try {
      const hasFailed = entry.state.recipients.some((one) => one.result === 'failed' && !one.isReported);
      if (hasFailed) await entry.write({ kind: 'again', at: this.#spool.clock.now().getTime() }, true);
    } finally {
      entry.close();
    }
    if (!(await this.#spool.move(id, 'hold', 'queue'))) return false;
    requestFlush(this.#spool, id);
    return true;
  }

  /** Removes a message without a report to anybody. @throws the file system's error */
  async delete(id: string): Promise<boolean> {
    if (!isMessageId(id)) return false;
    if (await this.#spool.remove(id)) return true;
    try {
      await this.#spool.files.removeLater(join(this.#spool.place.shelf('corrupt'), id));
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #view(id: string, shelf: Shelf): Promise<Listed | null> {
    if (!isMessageId(id)) return null;
    try {
      const entry = await this.#spool.open(id, shelf);
      if (entry === null) return null;
      try {
        return await viewOf(entry, shelf);
      } finally {
        entry.close();
      }
    } catch (error) {
      if (!(error instanceof CorruptEntry)) throw error;
      return { id, shelf, problem: error.message };
    }
  }
}

async function viewOf(entry: QueueEntry, shelf: Shelf): Promise<MessageView> {
  const { id, envelope, state, contentSize } = entry;
  const { header } = await readContent(entry);
  const { hello, remoteIp } = envelope.client;
  return {
    ...{ id, shelf, size: contentSize, attempts: state.attempts },
    received: new Date(envelope.received),
    sender: envelope.sender.path,
    next: state.next === 0 ? null : new Date(state.next),
    recipients: envelope.recipients.map(({ address }, place) => {
      const { result = 'waiting', status = '', text = '' } = state.recipients[place] ?? {};
      return { address: address.path, result, answer: `${status} ${text}`.trim() };
    }),
    params: [...envelope.params].map(([name, value]) => (value === true ? name : `${name}=${value}`)),
    client: hello === null ? remoteIp : `${remoteIp} (${hello.host})`,
    header: Buffer.concat(header.toBuffers()).toString('latin1'),
  };
}
