// The line between an old process of a server and the new one that takes its place: the channel of the child process,
// which nobody else has. Each tells the other what it learns as long as both are there, since clients of the old one may
// go on for hours: who guesses passwords there, or got half a message taken, is known at the new one, and the other way.

import { readNews } from './memory.ts';
import type { Member, SharedState } from './shared-state.ts';
import type { News } from './worker-messages.ts';

/** The part of a child process, or of this process as a child, that counts here. */
export interface Channel {
  readonly connected: boolean;
  send?(message: News, handle?: undefined, options?: undefined, done?: () => void): unknown;
  on(event: 'message', listener: (raw: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** News on their way to one who does not read. What comes then is lost to it, and nothing else is. */
const MOST_PENDING = 10_000;

export class Kin implements Member {
  readonly #channel: Channel;
  /** it takes no new clients, and need not know of those of others */
  readonly #isRetiring: boolean;
  /** what came before `join` */
  #early: News[] = [];
  #pending = 0;
  #hear: (news: News) => void = (news) => void this.#early.push(news);
  #leave: () => void = () => {};
  #isGone = false;

  constructor(channel: Channel, { isRetiring }: { readonly isRetiring: boolean }) {
    this.#channel = channel;
    this.#isRetiring = isRetiring;
    channel.on('message', (raw) => {
      const news = readNews(raw);
      if (news !== null) this.#hear(news);
    });
    channel.once('disconnect', () => {
      this.#isGone = true;
      this.#leave();
    });
  }

  /** From here on each knows what the other one learns, until one is gone. */
  join(state: SharedState): void {
    if (this.#isGone) return;
    state.enter(this);
    if (this.#isRetiring) state.count(this);
    this.#hear = (news) => void state.hear(this, news);
    this.#leave = () => {
      this.#hear = () => {};
      state.leave(this);
    };
    for (const news of this.#early.splice(0)) this.#hear(news);
  }

  /** For one that did not come to serve. */
  part(): void {
    this.#isGone = true;
    this.#leave();
  }

  tell(news: News): void {
    const { connected } = this.#channel;
    if (!connected || this.#isGone) return;
    // Counts are few, since only those who leave change them; and one that is lost would never be made good.
    if (news.kind === 'counts' ? this.#isRetiring : this.#pending >= MOST_PENDING) return;
    this.#pending++;
    this.#channel.send?.(news, undefined, undefined, () => void this.#pending--);
  }
}
