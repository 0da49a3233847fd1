// What has become of a message so far: records at the end of its file, only ever added to. Each has a checksum and a
// line of its own, so that one that was cut off by a crash takes no other with it; it counts as never written.

import { crc32 } from 'node:zlib';

export type Result = 'delivered' | 'failed' | 'deferred';

/** What one attempt has led to, for those recipients (by their place in the envelope) who got the same answer. */
export interface Outcome {
  readonly of: readonly number[];
  readonly result: Result;
  /** reply code of the next hop; absent where the answer is the plugin's own */
  readonly code?: number | undefined;
  /** enhanced status code, empty where there was none */
  readonly status: string;
  readonly text: string;
}

export type ReportKind = 'failure' | 'delay' | 'success';

export type LogRecord =
  | {
      readonly kind: 'attempt';
      /** milliseconds since 1970, here and below */
      readonly at: number;
      /** when to try again; null when nobody is left */
      readonly next: number | null;
      readonly outcomes: readonly Outcome[];
    }
  /** the sender has been sent a report on these */
  | {
      readonly kind: 'report';
      readonly at: number;
      readonly report: ReportKind;
      readonly of: readonly number[];
    }
  /** the operator wants what has failed unreported to be tried again, from the beginning */
  | { readonly kind: 'again'; readonly at: number };

export interface RecipientState {
  result: Result | 'waiting';
  /** these three of the last attempt */
  code?: number | undefined;
  status: string;
  text: string;
  /** milliseconds since 1970; 0 before the first attempt */
  at: number;
  /** the sender knows what has finally become of it */
  isReported: boolean;
  isDelayReported: boolean;
}

export class DeliveryState {
  readonly recipients: readonly RecipientState[];
  attempts = 0;
  /** when to try again, in milliseconds since 1970; 0 = at once */
  next = 0;
  /** since when the lifetime runs */
  since: number;

  constructor(recipients: number, received: number) {
    this.since = received;
    this.recipients = Array.from({ length: recipients }, () => ({
      result: 'waiting' as const,
      status: '',
      text: '',
      at: 0,
      isReported: false,
      isDelayReported: false,
    }));
  }

  apply(record: LogRecord): void {
    if (record.kind === 'attempt') {
      this.attempts++;
      this.next = record.next ?? 0;
      for (const outcome of record.outcomes) {
        for (const state of this.#of(outcome.of)) {
          Object.assign(state, {
            result: outcome.result,
            code: outcome.code,
            status: outcome.status,
            text: outcome.text,
            at: record.at,
          });
        }
      }
    } else if (record.kind === 'report') {
      for (const state of this.#of(record.of)) {
        if (record.report === 'delay') state.isDelayReported = true;
        else state.isReported = true;
      }
    } else {
      this.since = record.at;
      this.next = 0;
      this.attempts = 0;
      for (const state of this.recipients) {
        if (state.result === 'failed' && !state.isReported) state.result = 'waiting';
      }
    }
  }

  /** Places of the recipients who are not delivered to and have not failed. */
  get waiting(): readonly number[] {
    return this.places(({ result }) => result === 'waiting' || result === 'deferred');
  }

  places(isMeant: (state: RecipientState, place: number) => boolean): readonly number[] {
    return this.recipients.flatMap((state, place) => (isMeant(state, place) ? [place] : []));
  }

  #of(places: readonly number[]): RecipientState[] {
    return places.flatMap((place) => this.recipients[place] ?? []);
  }
}

// The line end in front ends what a crash may have left half written.
export function encodeRecord(record: LogRecord): Buffer {
  const text = JSON.stringify(record);
  return Buffer.from(`\n${checksum(text)} ${text}\n`);
}

export function decodeRecords(log: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  for (const line of log.toString('utf8').split('\n')) {
    const text = line.slice(9);
    if (text !== '' && line.slice(0, 9) === `${checksum(text)} `) records.push(JSON.parse(text));
  }
  return records;
}

export function checksum(text: string | Buffer): string {
  return crc32(text).toString(16).padStart(8, '0');
}
