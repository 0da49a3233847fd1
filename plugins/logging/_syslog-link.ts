// What is between us and a syslog daemon, whatever its kind: a program, a stream, datagrams.

import type { SyslogMessage } from './_syslog-message.ts';

export interface SyslogLink {
  /** All in one write, where the kind of link allows that. */
  send(messages: readonly SyslogMessage[]): void;
  /** To be called when all is taken. Resolves when the other side has gone, at the latest after CLOSE_MS. Never rejects. */
  close(): Promise<void>;
  /** Ends it at once. */
  abandon(): void;
}

/** Called later, never before `open` has returned. */
export interface LinkOwner {
  /** The first `count` of those that were sent and not taken are out of our hands. */
  taken(count: number): void;
  /** The link is of no use any more. */
  failed(problem: LinkProblem): void;
}

/** For the operator. */
export interface LinkProblem {
  readonly what: string;
  readonly advice: string;
}

/** A way to the daemon, to be gone as often as need be. */
export interface SyslogWay {
  /** the word of logsock */
  readonly name: string;
  open(owner: LinkOwner): SyslogLink;
}

/** How long the other side may take for the last messages, and then to go. */
export const CLOSE_MS = 5000;

/** An owner that hears of one failure, and of nothing behind it or behind a close. */
export function onceOnly(owner: LinkOwner): LinkOwner & { end(): void } {
  let isOver = false;
  return {
    taken(count) {
      if (!isOver) owner.taken(count);
    },
    failed(problem) {
      if (isOver) return;
      isOver = true;
      owner.failed(problem);
    },
    end() {
      isOver = true;
    },
  };
}
