// Plays a transcript and compares what happens with what it expects.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Conversation, Step, Transcript } from './parse.ts';
import { type Play, Stage, type StageSettings } from './stage.ts';

export interface Failure {
  /** of the transcript, from 1 */
  readonly line: number;
  readonly text: string;
}

/** Told of everything as it happens. */
export type Observer = (kind: 'client' | 'server' | 'log' | 'note', text: string) => void;

/** Gives the first failure, or null. @throws StageError when the configuration is not good */
export async function runTranscript(
  transcript: Transcript,
  settings: Omit<StageSettings, 'setup'>,
  observe: Observer = () => {},
): Promise<Failure | null> {
  const stage = await Stage.open({ ...settings, setup: transcript.setup });
  try {
    for (const conversation of transcript.conversations) {
      const failure = await new Performance(stage, conversation, observe).run();
      if (failure !== null) return failure;
    }
    return null;
  } finally {
    // Whatever plugins keep open ends here, as at the end of a server.
    await stage.engine.retire();
    stage.close();
  }
}

class Performance {
  readonly #stage: Stage;
  readonly #conversation: Conversation;
  readonly #observe: Observer;
  readonly #play: Play;
  #replies: string[] = [];
  #log: string[] = [];
  #notes = new Map<string, string>();

  constructor(stage: Stage, conversation: Conversation, observe: Observer) {
    this.#stage = stage;
    this.#conversation = conversation;
    this.#observe = observe;
    this.#play = stage.begin(conversation.client);
  }

  async run(): Promise<Failure | null> {
    await this.#settle();
    let failure: Failure | null = null;
    for (const step of this.#conversation.steps) {
      const problem = await this.#take(step);
      if (problem !== null) {
        failure = { line: step.line, text: problem };
        break;
      }
    }
    const [unread] = this.#replies;
    if (failure === null && unread !== undefined) {
      failure = {
        line: this.#conversation.steps.at(-1)?.line ?? 1,
        text: `a reply nobody expected: ${unread}`,
      };
    }
    this.#play.wire.finish();
    await this.#play.over;
    this.#collect();
    return failure;
  }

  async #take(step: Step): Promise<string | null> {
    switch (step.kind) {
      case 'send':
        return this.#send(step.text);
      case 'reply':
        return this.#expectReply(step.code);
      case 'reply-line':
        return this.#expectLine(step.glob);
      case 'closed':
        return this.#play.wire.closed ? null : 'the server has not closed the connection';
      case 'log':
        return this.#log.some((line) => matches(step.glob, line))
          ? null
          : `no such log line; there were:\n${this.#log.join('\n')}`;
      case 'note':
        return this.#expectNote(step.on, step.note, step.value);
      case 'file':
        // Some plugins write at the end of the turn.
        await turn();
        return this.#expectFile(step.path, step.glob);
    }
  }

  async #send(text: string): Promise<string | null> {
    const [unread] = this.#replies;
    if (unread !== undefined) return `a reply nobody expected: ${unread}`;
    if (this.#play.wire.closed) return 'the server has closed the connection';
    this.#log = [];
    this.#observe('client', text);
    this.#play.wire.send(`${text}\r\n`);
    await this.#settle();
    return null;
  }

  /** Waits until the session has done all it can, and takes down what it did. */
  async #settle(): Promise<void> {
    await this.#play.wire.idle();
    if (this.#play.wire.closed) await this.#play.over;
    this.#collect();
  }

  #collect(): void {
    for (const line of this.#stage.takeLog()) {
      this.#log.push(line);
      this.#observe('log', line);
    }
    for (const line of this.#play.wire.takeOutput().split('\r\n').slice(0, -1)) {
      this.#replies.push(line);
      this.#observe('server', line);
    }
    this.#observeNotes();
  }

  #observeNotes(): void {
    const { connection, transaction } = this.#play.session;
    for (const [on, notes] of [
      ['connection', connection.notes],
      ['transaction', transaction.notes],
    ] as const) {
      for (const [note, value] of notes.entries()) {
        const key = `${on} ${note}`;
        const text = String(value);
        if (this.#notes.get(key) === text) continue;
        this.#notes.set(key, text);
        this.#observe('note', `${key} = ${text}`);
      }
    }
  }

  #expectReply(code: string): string | null {
    const end = this.#replies.findIndex((line) => line.charAt(3) === ' ');
    const reply = this.#replies.splice(0, end + 1);
    if (reply.length > 0 && reply.every((line) => line.startsWith(code))) return null;
    return `expected a reply ${code}, got ${reply.join(' / ') || 'none'}`;
  }

  #expectLine(glob: string): string | null {
    const line = this.#replies.shift();
    if (line === undefined) return `expected "${glob}", got no reply`;
    return matches(glob, line) ? null : `expected "${glob}", got "${line}"`;
  }

  #expectNote(on: 'connection' | 'transaction', note: string, value: string): string | null {
    const notes =
      on === 'connection' ? this.#play.session.connection.notes : this.#play.session.transaction.notes;
    const found = [...notes.entries()].find(([key]) => key === note);
    const text = found === undefined ? '(unset)' : String(found[1]);
    return text === value ? null : `the ${on} note ${note} is "${text}"`;
  }

  #expectFile(path: string, glob: string): string | null {
    const files = readdirSync(this.#stage.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => matches(path, file.slice(this.#stage.folder.length + 1)));
    const [file] = files;
    if (file === undefined || files.length > 1) return `${files.length} files match ${path}`;
    const lines = readFileSync(file, 'latin1').split('\n');
    return lines.some((line) => matches(glob, line)) ? null : `no such line in ${path}:\n${lines.join('\n')}`;
  }
}

/** `*` stands for any text. */
function matches(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*');
  if (rest.length === 0) return text === glob;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  const last = rest.pop() ?? '';
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
