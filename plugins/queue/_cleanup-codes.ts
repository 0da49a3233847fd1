// Flags and statuses of Postfix's cleanup(8), by the names and numbers of its cleanup_user.h (up to 3.11).

import type { EnhancedStatus } from 'qpsmtpd';

const single = {
  NONE: 0,
  BOUNCE: 1,
  FILTER: 2,
  HOLD: 4,
  DISCARD: 8,
  BCC_OK: 16,
  MAP_OK: 32,
  MILTER: 64,
  SMTP_REPLY: 128,
  SMTPUTF8: 256,
  AUTOUTF8: 512,
  REQTLS: 1024,
} as const;

const { FILTER, MILTER, BCC_OK, MAP_OK, HOLD, DISCARD } = single;

/** By the word behind FLAG_. */
export const cleanupFlags: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...single,
    FILTER_ALL: FILTER | MILTER,
    MASK_EXTERNAL: FILTER | MILTER | BCC_OK | MAP_OK,
    MASK_INTERNAL: MAP_OK,
    MASK_EXTRA: HOLD | DISCARD,
  }),
);

export const { SMTPUTF8 } = single;
export { DISCARD };

interface Status {
  readonly bit: number;
  readonly isPermanent: boolean;
  readonly status: EnhancedStatus;
  readonly text: string;
  /** whether the words that come with it are meant for the client */
  readonly hasReason?: boolean;
}

// What is for now goes first, as in qpsmtpd: a message that was not seen whole is not refused for good. Unknown bits
// of later versions are for now too.
const statuses: readonly Status[] = [
  { bit: 1 << 8, isPermanent: false, status: '4.7.1', text: 'service unavailable', hasReason: true },
  { bit: 1 << 7, isPermanent: false, status: '4.3.0', text: 'queue file write error' },
  { bit: 1 << 0, isPermanent: false, status: '4.3.0', text: 'internal protocol error' },
  { bit: 1 << 1, isPermanent: false, status: '4.3.0', text: 'queue file write error' },
  { bit: 1 << 6, isPermanent: true, status: '5.1.0', text: 'no recipients specified' },
  { bit: 1 << 4, isPermanent: true, status: '5.4.0', text: 'too many hops' },
  { bit: 1 << 2, isPermanent: true, status: '5.3.4', text: 'message file too big' },
  { bit: 1 << 3, isPermanent: true, status: '5.7.1', text: 'message content rejected', hasReason: true },
  { bit: 1 << 9, isPermanent: true, status: '5.7.1', text: 'service denied', hasReason: true },
];

export interface Refusal {
  readonly isPermanent: boolean;
  readonly status: EnhancedStatus;
  /** lines with LF between */
  readonly text: string;
}

/** What a status other than 0 means, with the reason that came beside it. */
export function refusalOf(status: number, reason: string): Refusal {
  const found = statuses.find(({ bit }) => (status & bit) !== 0);
  if (found === undefined) {
    return { isPermanent: false, status: '4.3.0', text: 'the message could not be queued' };
  }
  return found.hasReason === true && reason !== '' ? withReason(found, reason) : found;
}

// `5.7.1 text`, or with FLAG_SMTP_REPLY the lines of a reply. Its first digit says more than the bit: milters and tables
// that answer 4.x.x set the bit for refused content too.
function withReason(usual: Status, reason: string): Refusal {
  const line = /^(?:([45])\d\d[ -])?(?:([45])(\.\d{1,3}\.\d{1,3})(?: |$))?(.*)$/s;
  const parts = reason.split(/\r?\n/).map((each) => line.exec(each) ?? []);
  const [, code, digit, tail] = parts[0] ?? [];
  const kind = code ?? digit ?? (usual.isPermanent ? '5' : '4');
  const isPermanent = kind === '5' && usual.isPermanent;
  const text = parts.map(([, , , , words = '']) => words).join('\n');
  const status = `${isPermanent ? 5 : 4}${tail ?? usual.status.slice(1)}` as EnhancedStatus;
  return { isPermanent, status, text: text === '' ? usual.text : text };
}
