// What the operator's `reject` and `reject_type` make of a refusal: it happens now, later by the plugin
// naughty, or not at all (qpsmtpd: get_reject, get_reject_type, store_deferred_reject).

import type { RejectOptions } from '../contract/at.ts';
import type { Denial } from '../contract/codes.ts';
import type { Connection } from '../contract/connection.ts';
import { codeOfRejectType, type RejectMode, type RejectType } from '../contract/options.ts';
import { declined, denial, type Verdict } from '../contract/verdict.ts';

export interface RejectPolicy {
  readonly mode: RejectMode;
  /** null: as the plugin says, else for good */
  readonly type: RejectType | null;
  /** whether the line says the type; a default does not bind the plugin naughty */
  readonly typeIsGiven: boolean;
}

interface Refuser {
  readonly plugin: string;
  readonly connection: Connection;
  log(text: string): void;
}

export function applyReject(
  policy: RejectPolicy,
  by: Refuser,
  text: string,
  options: RejectOptions,
  fallback: Denial = 'DENY',
): Verdict<Denial | 'DECLINED'> {
  const detail = options.log === undefined ? '' : `, ${options.log}`;
  if (policy.mode === 'off') {
    by.log(`fail, tolerated${detail}`);
    return declined;
  }
  if (policy.mode === 'naughty') {
    by.log(`fail, NAUGHTY${detail}`);
    markNaughty(by, text, policy.typeIsGiven ? policy.type : null);
    return declined;
  }
  by.log(`fail${detail}`);
  return denial(policy.type === null ? fallback : codeOfRejectType[policy.type], text, options.status);
}

function markNaughty(
  { plugin, connection: { notes } }: Refuser,
  text: string,
  type: RejectType | null,
): void {
  const before = notes.get('naughty');
  const reason = `(${plugin}) ${text}`;
  notes.set('naughty', before === undefined ? reason : `${before}\n${reason}`);
  if (type !== null && !notes.has('naughty_reject_type')) notes.set('naughty_reject_type', type);
}
