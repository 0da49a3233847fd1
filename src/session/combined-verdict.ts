// One verdict for a message that several queue plugins have decided on, each for some of its recipients.

import type { Verdict } from '../contract/verdict.ts';

/** Whether it refuses for good. */
export function isForGood({ code }: Verdict): boolean {
  return code === 'DENY' || code === 'DENY_DISCONNECT';
}

/** Whether the client hears that the message was not taken. */
export function refuses({ code }: Verdict): boolean {
  return code !== 'OK' && code !== 'DONE';
}

/** DONE as what its reply says, any other verdict as it is. */
export function settled(verdict: Verdict): Verdict {
  if (verdict.code !== 'DONE') return verdict;
  const { reply } = verdict;
  // Dealt with, and no words for the client: it gets the server's.
  if (reply === undefined) return { code: 'OK', text: [] };
  const code = reply.code >= 500 ? 'DENY' : reply.code >= 400 ? 'DENYSOFT' : 'OK';
  return { code, text: reply.lines, status: reply.status };
}

/** The refusal that weighs most, or OK with the words of all. @param verdicts settled ones */
export function combined(verdicts: readonly Verdict[]): Verdict {
  const refusals = verdicts.filter(refuses);
  const worst = refusals.find(isForGood) ?? refusals[0];
  if (worst === undefined) {
    const text = verdicts.map((verdict) => verdict.text.join(' ')).filter((line) => line !== '');
    return { code: 'OK', text: text.length === 0 ? [] : [text.join('; ')] };
  }
  const closes = refusals.some(({ code }) => code.endsWith('_DISCONNECT'));
  return closes ? { ...worst, code: isForGood(worst) ? 'DENY_DISCONNECT' : 'DENYSOFT_DISCONNECT' } : worst;
}
