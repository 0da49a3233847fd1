// Which reports a sender is to be sent now: what he wished for with NOTIFY (RFC 3461 section 4.1), and without a wish
// only what has failed.

import type { CarriedExtension } from '../contract/plugin.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import type { DeliveryState, RecipientState, ReportKind } from './outcome-log.ts';
import type { QueuedEnvelope } from './queued-envelope.ts';

export interface ReportPolicy {
  /** milliseconds after which a sender who wants to know hears that a message is late; 0 = never */
  readonly delayMs: number;
  /** of the plugin that delivers: with DSN, it passes the wish for reports of success on */
  readonly carries: readonly CarriedExtension[];
}

export interface DueReport {
  readonly kind: ReportKind;
  /** places of the recipients that it is about */
  readonly of: readonly number[];
}

export function dueReports(
  { sender, recipients }: QueuedEnvelope,
  state: DeliveryState,
  { delayMs, carries }: ReportPolicy,
  now: number,
): readonly DueReport[] {
  if (sender.isNull) return [];
  const wants = (place: number, kind: ReportKind) => wantsReport(recipients[place]?.params, kind);
  const isLate = delayMs > 0 && now >= state.since + delayMs;
  const isDue: Readonly<Record<ReportKind, (known: RecipientState) => boolean>> = {
    failure: ({ result, isReported }) => result === 'failed' && !isReported,
    delay: ({ result, isDelayReported }) => isLate && result === 'deferred' && !isDelayReported,
    success: ({ result, isReported }) => !carries.includes('DSN') && result === 'delivered' && !isReported,
  };
  return (['failure', 'delay', 'success'] as const)
    .map((kind) => ({ kind, of: state.places((known, place) => isDue[kind](known) && wants(place, kind)) }))
    .filter(({ of }) => of.length > 0);
}

function wantsReport(params: EsmtpParams | undefined, kind: ReportKind): boolean {
  const wish = params?.get('NOTIFY');
  if (typeof wish !== 'string') return kind === 'failure';
  return wish.toUpperCase().split(',').includes(kind.toUpperCase());
}
