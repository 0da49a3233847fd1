// The mechanisms that AUTH has for a client. A mechanism is there when its hook has handlers; a handler of the hook
// `auth`, which is for any mechanism, brings the three that qpsmtpd knows.

import type { HookName } from '../contract/hooks.ts';
import type { TlsFacts } from '../contract/tls.ts';
import type { Dispatcher } from '../engine/dispatch.ts';

/** What the hook `auth` brings. */
const CLASSIC = { PLAIN: 'auth-plain', LOGIN: 'auth-login', 'CRAM-MD5': 'auth-cram-md5' } as const;
const BEARER = { OAUTHBEARER: 'auth-oauthbearer', XOAUTH2: 'auth-xoauth2' } as const;
const SCRAM = 'auth-scram-sha-256';

/** Hooks that are asked for a verdict on a login, by mechanism. */
export const attemptHooks = { ...CLASSIC, ...BEARER } as const satisfies Readonly<Record<string, HookName>>;
export type AttemptMechanism = keyof typeof attemptHooks;
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';
export type Mechanism = AttemptMechanism | ScramMechanism;

export const NO_MECHANISMS: readonly Mechanism[] = [];

export function isBearer(mechanism: AttemptMechanism): boolean {
  return Object.hasOwn(BEARER, mechanism);
}

export function isScram(mechanism: Mechanism): mechanism is ScramMechanism {
  return mechanism.startsWith('SCRAM');
}

/** Those that EHLO may offer, in the order in which it does. */
export function mechanismsFor(dispatcher: Dispatcher, tls: TlsFacts | null): readonly Mechanism[] {
  const mechanisms: Mechanism[] = [];
  const add = (table: Readonly<Partial<Record<Mechanism, HookName>>>, all = false) => {
    for (const mechanism of Object.keys(table) as Mechanism[]) {
      if (all || dispatcher.has(table[mechanism] as HookName)) mechanisms.push(mechanism);
    }
  };
  add(CLASSIC, dispatcher.has('auth'));
  if (dispatcher.has(SCRAM)) {
    mechanisms.push('SCRAM-SHA-256');
    if (tls !== null && canBind(tls)) mechanisms.push('SCRAM-SHA-256-PLUS');
  }
  add(BEARER);
  return mechanisms.length === 0 ? NO_MECHANISMS : mechanisms;
}

function canBind(tls: TlsFacts): boolean {
  return tls.channelBinding('tls-exporter') !== null || tls.channelBinding('tls-server-end-point') !== null;
}
