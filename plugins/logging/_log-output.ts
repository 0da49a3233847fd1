// What a log is written to: a file or a command, and the lines that wait for it. All outputs of one plugin line share the
// room for waiting lines, so that a full disk or a command that does not read costs entries, and never memory without bound.

import type { Troubles } from './_log-troubles.ts';

/** Octets that may wait in all, as for standard error. */
export const MOST_WAITING = 1 << 20;

export interface LogOutput {
  /** octets that wait to be handed to the system */
  readonly size: number;
  /** @param line with its end, one octet a character */
  add(line: string): void;
  /** Hands over what waits, without waiting itself. Gives null once it is handed over, else milliseconds until the next try. */
  flush(now: number): number | null;
  /** The next line opens it anew. */
  reopen(): void;
  /** Hands over what it can, and closes. Nothing is added after that. */
  close(now: number): Promise<void>;
}

/** Octets that are left for all outputs of a plugin line. */
export interface Room {
  free: number;
}

export class WaitingLines {
  readonly #room: Room;
  readonly #troubles: Troubles;
  #text = '';

  constructor(room: Room, troubles: Troubles) {
    this.#room = room;
    this.#troubles = troubles;
  }

  get size(): number {
    return this.#text.length;
  }

  /** Gives false where there is no room: the line is then lost. */
  add(line: string): boolean {
    if (this.#room.free < line.length) {
      this.#troubles.lost(1);
      return false;
    }
    this.#room.free -= line.length;
    this.#text += line;
    return true;
  }

  /** All that waits. It keeps its room until it is `done`. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** What was taken waits again, before all others. */
  putBack(text: string): void {
    this.#text = text + this.#text;
  }

  done(octets: number): void {
    this.#room.free += octets;
  }

  /** What was taken cannot be handed over any more. @param octets the room that it keeps */
  lose(text: string, octets = text.length): void {
    this.done(octets);
    this.#troubles.lost(linesIn(text));
  }
}

function linesIn(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
