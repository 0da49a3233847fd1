// What a server remembers beyond one connection, for all processes that serve for it: the workers of a forkserver, and,
// while one server takes the place of another, the two of them. Whoever learns something tells the others.

import { DeliveredBefore } from '../session/delivered-before.ts';
import { LoginGuard } from '../session/login-guard.ts';
import type { Memory } from './memory.ts';
import { CountBoard, SharedCounts } from './shared-counts.ts';
import type { Counts, News } from './worker-messages.ts';

/** Another process of the server. */
export interface Member {
  tell(news: News): void;
}

export class SharedState {
  readonly logins: LoginGuard;
  readonly delivered: DeliveredBefore;
  readonly #now: () => number;
  readonly #members = new Set<Member>();
  readonly #board = new CountBoard<Member>((member, counts) => member.tell({ kind: 'counts', counts }));

  /** @param now milliseconds of a clock that only goes forward @param given by the server whose place this one takes */
  constructor(now: () => number, given: Memory | null = null) {
    this.#now = now;
    this.logins = new LoginGuard({
      tell: (ip, limits) => this.#passOn(null, { kind: 'failure', failure: { ip, limits, age: 0 } }),
      ...(given !== null && { key: Buffer.from(given.loginKey, 'hex') }),
    });
    this.delivered = new DeliveredBefore((news) => this.#passOn(null, { kind: 'delivered', news }));
    if (given === null) return;
    this.logins.learn(given.logins, now());
    for (const news of given.delivered) this.delivered.hear(news, now());
  }

  /** All of it but the clients that are there. */
  get memory(): Memory {
    const now = this.#now();
    return {
      version: 1,
      loginKey: this.logins.key.toString('hex'),
      logins: this.logins.recent(now),
      delivered: this.delivered.recent(now),
    };
  }

  /** clients of all processes that tell their own */
  get clients(): number {
    return this.#board.total;
  }

  /** It hears of all that is new from here on. */
  enter(member: Member): void {
    this.#members.add(member);
  }

  /** Its clients count from here on, and it hears of those of the others. Gives how many these are. */
  count(member: Member): Counts {
    return this.#board.enter(member);
  }

  /** It is gone, and all its clients with it. */
  leave(member: Member): void {
    this.#members.delete(member);
    this.#board.leave(member);
  }

  /** What a member has told. Gives true for the failed login that locks its address out. */
  hear(member: Member, news: News): boolean {
    if (news.kind === 'counts') {
      this.#board.hear(member, news.counts);
      return false;
    }
    this.#passOn(member, news);
    if (news.kind === 'delivered') {
      this.delivered.hear(news.news, this.#now());
      return false;
    }
    const { ip, age, limits } = news.failure;
    return this.logins.noteElsewhere(ip, this.#now() - age, limits);
  }

  /** For a process that serves clients itself: lets the others count them. To be asked once. */
  ownClients(): SharedCounts {
    const own: Member = {
      tell(news) {
        if (news.kind === 'counts') counts.hear(news.counts);
      },
    };
    const counts = new SharedCounts(this.#board.enter(own), (changed) => this.#board.hear(own, changed));
    return counts;
  }

  #passOn(from: Member | null, news: News): void {
    for (const member of this.#members) if (member !== from) member.tell(news);
  }
}
