// Delivers a message to Maildirs so that it survives whatever happens once deliver() has resolved: written to tmp,
// fsync of the file, linked into new (which never overwrites), fsync of the folder. Several copies are delivered
// all or none, as far as the file system lets us.

import {
  errorCode,
  type FolderSync,
  GivenUp,
  inTurns,
  type LineEnds,
  type MessageContent,
  quietly,
  WriteError,
  writeDurably,
} from 'qpsmtpd';
import type { MaildirFiles } from './_maildir-files.ts';
import type { MaildirFolders } from './_maildir-folders.ts';

/** One file to be: the Maildir, and the lines above the message. */
export interface Copy {
  readonly maildir: string;
  readonly head: Buffer;
}

/** What is below those lines, in the line ends that it is to have. */
export interface Content {
  readonly message: MessageContent;
  readonly lineEnds: LineEnds;
}

export interface WriterMeans {
  readonly files: MaildirFiles;
  readonly folders: MaildirFolders;
  readonly sync: FolderSync;
  /** permissions of the files */
  readonly mode: number;
  newName(): string;
}

interface Written {
  readonly maildir: string;
  readonly name: string;
  readonly tmp: string;
  readonly target: string;
}

const WRITERS = 4;
const SYNCERS = 16;

export class MaildirWriter {
  readonly #means: WriterMeans;

  constructor(means: WriterMeans) {
    this.#means = means;
  }

  /**
   * Gives the name of one of the files.
   *
   * @param isOver whether the delivery shall be given up: then the client has not heard that the message was taken
   * @throws WriteError or GivenUp; then nothing is delivered
   */
  async deliver(copies: readonly Copy[], content: Content, isOver: () => boolean): Promise<string> {
    const written = await this.#writeAll(copies, content, isOver);
    this.#publish(written, isOver);
    await this.#commit(written);
    if (isOver()) {
      // Nobody has heard of it, and it will be sent again.
      this.#remove(written.map(({ target }) => target));
      throw new GivenUp();
    }
    return written[0]?.name ?? '';
  }

  async #writeAll(
    copies: readonly Copy[],
    content: Content,
    isOver: () => boolean,
  ): Promise<readonly Written[]> {
    const { files, folders, mode } = this.#means;
    const written: Written[] = [];
    const inMemory = content.message.inMemory(content.lineEnds);
    try {
      await inTurns(copies, WRITERS, async ({ maildir, head }) => {
        const name = this.#means.newName();
        const tmp = `${maildir}/tmp/${name}`;
        const text = inMemory === null ? spooledText(head, content) : textInMemory(head, inMemory);
        await writeDurably(files, { path: tmp, mode, text, isOver, makeFolder: () => folders.make(maildir) });
        written.push({ maildir, name, tmp, target: `${maildir}/new/${name}` });
      });
    } catch (error) {
      this.#remove(written.map(({ tmp }) => tmp));
      throw error;
    }
    return written;
  }

  // All at once and without waiting: nothing can come between the question whether it is over and the links.
  #publish(written: readonly Written[], isOver: () => boolean): void {
    const linked: string[] = [];
    try {
      if (isOver()) throw new GivenUp();
      for (const one of written) {
        this.#link(one);
        linked.push(one.target);
      }
    } catch (error) {
      this.#remove(linked);
      throw error;
    } finally {
      this.#remove(written.map(({ tmp }) => tmp));
    }
  }

  #link({ maildir, tmp, target }: Written): void {
    const { files, folders } = this.#means;
    try {
      try {
        files.link(tmp, target);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
        // After a loss of power tmp may be there without new.
        folders.make(maildir);
        files.link(tmp, target);
      }
    } catch (error) {
      throw new WriteError(target, error);
    }
  }

  async #commit(written: readonly Written[]): Promise<void> {
    const maildirs = new Set(written.map(({ maildir }) => maildir));
    try {
      await inTurns(maildirs, SYNCERS, (maildir) => this.#syncMaildir(maildir));
    } catch (error) {
      // The client is told to come again: what is there now would be read twice.
      this.#remove(written.map(({ target }) => target));
      throw error;
    }
  }

  async #syncMaildir(maildir: string): Promise<void> {
    const folder = `${maildir}/new`;
    try {
      await this.#means.sync.sync(folder);
      await this.#means.folders.settle(maildir);
    } catch (error) {
      throw new WriteError(folder, error);
    }
  }

  #remove(paths: readonly string[]): void {
    for (const path of paths) quietly(() => this.#means.files.remove(path));
  }
}

async function* textInMemory(head: Buffer, pieces: readonly Buffer[]): AsyncIterable<readonly Buffer[]> {
  yield [head, ...pieces];
}

async function* spooledText(head: Buffer, { message, lineEnds }: Content): AsyncIterable<readonly Buffer[]> {
  yield [head];
  for await (const chunk of message.chunks(lineEnds)) yield [chunk];
}
