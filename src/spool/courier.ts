// What is done with one message when its time has come: an attempt to deliver it, a note of what that led to, reports
// to its sender, and in the end its removal. The order is such that a crash anywhere loses nothing: what was delivered
// is noted before anything else is done, and a report is safe before it is noted as sent.

import type { Logger } from '../contract/at.ts';
import type { Clock, QueueTarget } from '../contract/plugin.ts';
import { attemptDelivery, type Timer } from './delivery.ts';
import { makeReport } from './delivery-report.ts';
import { type DueReport, dueReports } from './due-reports.ts';
import type { MailSpool } from './mail-spool.ts';
import type { LogRecord, Outcome } from './outcome-log.ts';
import { CorruptEntry, type QueueEntry } from './queue-entry.ts';
import { pauseAfter, type RetryPlan } from './retry-plan.ts';

export interface CourierMeans {
  readonly spool: MailSpool;
  readonly target: QueueTarget;
  readonly plan: RetryPlan;
  /** milliseconds that one attempt may take */
  readonly limitMs: number;
  /** milliseconds after which a sender who wants to know hears that a message is late; 0 = never */
  readonly delayMs: number;
  /** what becomes of a message without sender that cannot be delivered */
  readonly doubleBounce: 'drop' | 'hold';
  readonly clock: Clock;
  readonly timer: Timer;
  readonly pid: number;
  readonly log: Logger;
  /** config/me */
  me(): string;
  /** from 0 to 1 */
  random(): number;
  /** a report is in the queue */
  onReport(id: string): void;
}

// The disk is to blame: it has a moment to get better.
const DISK_PAUSE_MS = 60_000;
const MOST_NAMES = 10;

export class Courier {
  readonly #means: CourierMeans;
  /** what could not be noted: as long as this process lives, nobody gets a message twice */
  readonly #unsaved = new Map<string, LogRecord[]>();

  constructor(means: CourierMeans) {
    this.#means = means;
  }

  /** Gives the time of the next attempt, in milliseconds since 1970; null when there will be none. Never rejects. */
  async handle(id: string, signal: AbortSignal): Promise<number | null> {
    try {
      const entry = await this.#means.spool.open(id);
      if (entry === null) {
        this.#unsaved.delete(id);
        return null;
      }
      try {
        return await this.#work(entry, signal);
      } finally {
        entry.close();
      }
    } catch (error) {
      return this.#failed(id, error);
    }
  }

  async #work(entry: QueueEntry, signal: AbortSignal): Promise<number | null> {
    const { state, id } = entry;
    for (const record of this.#unsaved.get(id) ?? []) state.apply(record);
    // Whoever cannot note what he does must do nothing.
    await this.#saveRest(entry);
    if (state.waiting.length > 0) {
      const outcomes = await this.#attempt(entry, signal);
      const record: LogRecord = {
        kind: 'attempt',
        at: this.#now,
        next: this.#nextAttempt(entry, outcomes),
        outcomes,
      };
      state.apply(record);
      this.#tell(entry, outcomes);
      this.#unsaved.set(id, [record]);
      // Where nothing comes after it but the removal, that says the same.
      if (state.waiting.length > 0 || this.#due(entry).length > 0 || this.#isHeld(entry)) {
        await this.#saveRest(
          entry,
          outcomes.some(({ result }) => result !== 'deferred'),
        );
      }
    }
    const reports: string[] = [];
    for (const due of this.#due(entry)) reports.push(await this.#report(entry, due));
    if (state.waiting.length > 0) await this.#saveRest(entry);
    else {
      await this.#finish(entry);
      this.#unsaved.delete(id);
    }
    // Not earlier: a report that is delivered before it is noted as sent would be sent once more after a crash.
    for (const report of reports) this.#means.onReport(report);
    return state.waiting.length > 0 ? state.next : null;
  }

  get #now(): number {
    return this.#means.clock.now().getTime();
  }

  #due({ envelope, state }: QueueEntry): readonly DueReport[] {
    const { delayMs, target } = this.#means;
    return dueReports(envelope, state, { delayMs, carries: target.carries }, this.#now);
  }

  async #saveRest(entry: QueueEntry, durable = true): Promise<void> {
    for (const record of this.#unsaved.get(entry.id) ?? []) await entry.write(record, durable);
    this.#unsaved.delete(entry.id);
  }

  async #attempt(entry: QueueEntry, signal: AbortSignal): Promise<readonly Outcome[]> {
    const { spool, clock, plan } = this.#means;
    const tmp = () => `${spool.place.tmp}/${spool.newId()}`;
    const outcomes = await attemptDelivery(entry, { ...this.#means, tmp }, clock.now(), signal);
    if (this.#now < entry.state.since + plan.lifetimeMs) return outcomes;
    return outcomes.map((outcome) =>
      outcome.result !== 'deferred'
        ? outcome
        : // RFC 3463 section 3.5: delivery time expired.
          {
            ...outcome,
            result: 'failed',
            code: undefined,
            status: '5.4.7',
            text: `not delivered in time: ${outcome.text}`,
          },
    );
  }

  #nextAttempt({ state }: QueueEntry, outcomes: readonly Outcome[]): number | null {
    if (outcomes.every(({ result }) => result !== 'deferred')) return null;
    const { plan, random } = this.#means;
    const next = this.#now + pauseAfter(plan, state.attempts + 1, random());
    // The last attempt is made when the time is over, not long after.
    return Math.min(next, Math.max(this.#now, state.since + plan.lifetimeMs));
  }

  /** Puts a report in the queue, and gives its name. */
  async #report(entry: QueueEntry, { kind, of }: DueReport): Promise<string> {
    const { spool, clock, plan } = this.#means;
    const { id, state } = entry;
    // The same name when it is made again after a crash: it then takes the place of the first one.
    const reportId = `${id}-${kind[0]}${state.attempts.toString(36)}`;
    const retryUntil = state.since + plan.lifetimeMs;
    const now = clock.now();
    const { envelope, content } = await makeReport({
      ...{ id: reportId, kind, entry, of, now, retryUntil },
      me: this.#means.me(),
    });
    const size = content.length;
    await spool.put({ id: reportId, envelope, size, pieces: [[content]], isOver: () => false });
    const record: LogRecord = { kind: 'report', at: now.getTime(), report: kind, of };
    state.apply(record);
    this.#unsaved.set(id, [...(this.#unsaved.get(id) ?? []), record]);
    this.#means.log.info(
      `pass, ${id}: report of ${kind} to ${envelope.recipients[0]?.address.path} is ${reportId}`,
    );
    return reportId;
  }

  async #finish(entry: QueueEntry): Promise<void> {
    const { spool, doubleBounce, log } = this.#means;
    const { id } = entry;
    if (isDoubleBounce(entry)) {
      const fate = doubleBounce === 'hold' ? 'it is held' : 'it is dropped';
      log.warn(`fail, ${id} cannot be delivered, and has no sender who could be told: ${fate}`);
    }
    if (this.#isHeld(entry)) await spool.move(id, 'queue', 'hold');
    else await spool.remove(id);
  }

  #isHeld(entry: QueueEntry): boolean {
    return this.#means.doubleBounce === 'hold' && isDoubleBounce(entry);
  }

  async #failed(id: string, error: unknown): Promise<number | null> {
    const { spool, log } = this.#means;
    const why = error instanceof Error ? error.message : String(error);
    log.error(`error, ${id}: ${why}`);
    if (!(error instanceof CorruptEntry)) return this.#now + DISK_PAUSE_MS;
    await spool.move(id, 'queue', 'corrupt').catch(() => false);
    return null;
  }

  #tell({ id, envelope, state }: QueueEntry, outcomes: readonly Outcome[]): void {
    const { log } = this.#means;
    for (const { of, result, code, status, text } of outcomes) {
      const names = of.slice(0, MOST_NAMES).map((place) => envelope.recipients[place]?.address.path ?? '');
      const more = of.length > MOST_NAMES ? ` and ${of.length - MOST_NAMES} more` : '';
      const about = `${id} to ${names.join(' ')}${more}: ${[code ?? '', status, text].join(' ').trim()}`;
      if (result === 'delivered') log.info(`pass, ${about}`);
      else if (result === 'failed') log.notice(`fail, ${about}`);
      else log.info(`skip, until ${new Date(state.next).toISOString()}, ${about}`);
    }
  }
}

function isDoubleBounce({ envelope, state }: QueueEntry): boolean {
  return envelope.sender.isNull && state.recipients.some(({ result }) => result === 'failed');
}
