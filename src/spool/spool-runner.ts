// Delivers the messages of a spool, as long as no other process does: knows which is due when, tries several at a time,
// and looks once a second for wishes of the operator, and whether the spool is still its own.

import type { Logger } from '../contract/at.ts';
import type { Clock } from '../contract/plugin.ts';
import { quietly } from '../files/durable-write.ts';
import { requestFlush, takeWishes } from './control-box.ts';
import type { Courier } from './courier.ts';
import type { Timer } from './delivery.ts';
import type { MailSpool } from './mail-spool.ts';
import { Schedule } from './schedule.ts';
import { HEARTBEAT_MS, type LockOwner, type SpoolLock } from './spool-lock.ts';
import { listWaiting, removeLeftovers } from './spool-survey.ts';

export interface RunnerMeans {
  readonly spool: MailSpool;
  readonly lock: SpoolLock;
  readonly courier: Pick<Courier, 'handle'>;
  /** messages that are tried at a time */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly log: Logger;
}

const POLL_MS = 1000;
/** how long a lock that was another's must stay the own one */
const CONFIRM_MS = 250;
/** how often to look for messages that another process has put there */
const SURVEY_MS = 60_000;
const LONGEST_TIMER_MS = 3_600_000;

export class SpoolRunner {
  readonly #means: RunnerMeans;
  readonly #schedule = new Schedule();
  readonly #active = new Set<string>();
  /** accepted or asked for while they were being tried */
  readonly #again = new Set<string>();
  readonly #controller = new AbortController();
  #state: 'new' | 'waiting' | 'running' | 'stopped' = 'new';
  #cancelPoll: (() => void) | null = null;
  #cancelDue: (() => void) | null = null;
  /** the time that it waits for */
  #nextDue: number | null = null;
  #isSurveying = false;
  #flushesSurvey = false;
  /** who ran the spool before, and is gone */
  #gone: LockOwner | null = null;
  #isUnconfirmed = false;
  /** what went wrong last, so that it is not said every second */
  #trouble = '';
  #beaten = Number.NEGATIVE_INFINITY;
  #surveyed = Number.NEGATIVE_INFINITY;
  #idle: (() => void) | null = null;

  constructor(means: RunnerMeans) {
    this.#means = means;
  }

  /** Begins as soon as no other process runs the spool. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'waiting';
    void this.#poll();
  }

  /** There is a new message, which is safe. */
  add(id: string): void {
    // Another process delivers it, or another generation of this one's configuration.
    if (this.#state === 'waiting' || this.#state === 'stopped') {
      quietly(() => requestFlush(this.#means.spool, id));
    }
    if (this.#state === 'running') this.#tryNow(id);
  }

  #tryNow(id: string): void {
    if (this.#active.has(id)) this.#again.add(id);
    else this.#schedule.set(id, this.#now);
    this.#pump();
  }

  /**
   * Begins nothing new. Resolves when what is under way has ended; it is told to after so many milliseconds. Not before:
   * whoever runs the spool next would deliver the same messages.
   */
  async stop(limitMs: number): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#cancelPoll?.();
    this.#cancelDue?.();
    if (this.#active.size > 0) {
      const ended = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      const giveUp = () => this.#controller.abort(new Error('the server stops'));
      const cancel = this.#means.timer(limitMs, giveUp);
      await ended;
      cancel();
    }
    this.#means.lock.release();
  }

  /** messages that are known to wait, or to be under way */
  get size(): number {
    return this.#schedule.size + this.#active.size;
  }

  /** Whether it is this process that delivers. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get #now(): number {
    return this.#means.clock.now().getTime();
  }

  async #poll(): Promise<void> {
    const { log, timer } = this.#means;
    let pause = POLL_MS;
    try {
      if (this.#state === 'waiting') pause = await this.#tryToBegin();
      else if (this.#state === 'running') await this.#look();
      this.#trouble = '';
    } catch (error) {
      const trouble = `error, ${this.#means.spool.place.dir}: ${error instanceof Error ? error.message : error}`;
      if (trouble !== this.#trouble) log.error(trouble);
      this.#trouble = trouble;
    }
    if (this.#state !== 'stopped') this.#cancelPoll = timer(pause, () => void this.#poll());
  }

  async #tryToBegin(): Promise<number> {
    const { lock, spool, log } = this.#means;
    await spool.prepare();
    if (this.#isUnconfirmed) {
      this.#isUnconfirmed = false;
      if (!lock.isMine()) return POLL_MS;
    } else {
      const { state, gone } = await lock.acquire(this.#now);
      if (state === 'busy') return POLL_MS;
      this.#gone = gone;
      if (state === 'unconfirmed') {
        this.#isUnconfirmed = true;
        return CONFIRM_MS;
      }
    }
    if (this.#state !== 'waiting') {
      lock.release();
      return POLL_MS;
    }
    this.#state = 'running';
    this.#beaten = this.#now;
    log.info(`pass, the messages in ${spool.place.dir} are delivered from here`);
    await this.#look();
    return POLL_MS;
  }

  async #look(): Promise<void> {
    const { lock, spool, clock } = this.#means;
    if (this.#now >= this.#beaten + HEARTBEAT_MS) {
      if (!lock.isMine()) return this.#lose();
      lock.touch(clock.now());
      this.#beaten = this.#now;
    }
    const { all, ids } = await takeWishes(spool);
    if (all) {
      this.#schedule.flush(this.#now);
      this.#flushesSurvey = this.#isSurveying;
    }
    for (const id of ids) this.#tryNow(id);
    if (!this.#isSurveying && this.#now >= this.#surveyed + SURVEY_MS) void this.#survey(all);
    this.#pump();
  }

  #lose(): void {
    this.#means.log.error(`error, another process has taken over ${this.#means.spool.place.dir}`);
    this.#state = 'waiting';
    this.#schedule.clear();
    this.#surveyed = Number.NEGATIVE_INFINITY;
  }

  /** Finds the messages that are there. Others are accepted and delivered meanwhile. */
  async #survey(isFlush: boolean): Promise<void> {
    const { spool, log } = this.#means;
    this.#isSurveying = true;
    this.#flushesSurvey = isFlush;
    this.#surveyed = this.#now;
    const isKnown = (id: string) => this.#schedule.has(id) || this.#active.has(id);
    const gone = this.#gone?.token ?? null;
    try {
      await removeLeftovers(spool, gone, this.#now);
      let count = 0;
      for await (const { id, next } of listWaiting(spool, { isKnown, gone })) {
        if (this.#state !== 'running') return;
        if (isKnown(id)) continue;
        this.#schedule.set(id, this.#flushesSurvey ? Math.min(next, this.#now) : next);
        count++;
        this.#pump();
      }
      if (count > 0) log.info(`pass, ${count} messages were waiting`);
    } catch (error) {
      log.error(`error, ${spool.place.dir}: ${error instanceof Error ? error.message : error}`);
    } finally {
      this.#isSurveying = false;
    }
  }

  #pump(): void {
    if (this.#state !== 'running') return;
    // After a long sleep of the machine, the spool may be somebody else's.
    if (this.#now >= this.#beaten + 3 * HEARTBEAT_MS) return;
    while (this.#active.size < this.#means.concurrency) {
      const id = this.#schedule.take(this.#now);
      if (id === null) break;
      this.#active.add(id);
      void this.#handle(id);
    }
    this.#waitFor(this.#active.size < this.#means.concurrency ? this.#schedule.next : null);
  }

  #waitFor(due: number | null): void {
    if (due === this.#nextDue) return;
    this.#cancelDue?.();
    this.#cancelDue = null;
    this.#nextDue = due;
    if (due === null) return;
    const pause = Math.min(LONGEST_TIMER_MS, Math.max(0, due - this.#now));
    this.#cancelDue = this.#means.timer(pause, () => {
      this.#nextDue = null;
      this.#pump();
    });
  }

  async #handle(id: string): Promise<void> {
    const next = await this.#means.courier.handle(id, this.#controller.signal);
    this.#active.delete(id);
    const due = this.#again.delete(id) ? this.#now : next;
    if (this.#state === 'stopped') {
      if (this.#active.size === 0) this.#idle?.();
      return;
    }
    if (due !== null) this.#schedule.set(id, due);
    this.#pump();
  }
}
