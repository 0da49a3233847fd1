// What the parent of a forkserver and its workers say to each other. A parent may live on while the executable is
// replaced under it, so neither side takes an unknown message for a mistake.

import type { DeliveryNews } from '../session/delivered-before.ts';
import type { LockOut, LoginRecord } from '../session/login-guard.ts';
import type { ListenAddress } from './listen-address.ts';
import type { ParentEntry } from './parent-log.ts';
import type { TicketSeed } from './tls-ticket-keys.ts';

/** Clients from one address or network, by the key of connection-limits. */
export type KeyCount = readonly [key: string, count: number];

export interface Counts {
  readonly total: number;
  /** only what has changed; 0: nobody is left */
  readonly from: readonly KeyCount[];
}

export interface LoginFailure {
  readonly ip: string;
  /** milliseconds ago */
  readonly age: number;
  readonly limits: LockOut;
}

/** A socket that is bound, under the number that it has in the worker. */
export interface GivenSocket {
  readonly fd: number;
  readonly address: ListenAddress;
}

/** All that a worker has to know. */
export interface WorkerOrders {
  readonly configs: readonly string[];
  readonly sockets: readonly GivenSocket[];
  readonly limitConnections: number;
  readonly maxFromIp: number;
  /** as written behind `--dns` */
  readonly dns: string | null;
  readonly noRdns: boolean;
  /** of LoginGuard, in hexadecimal digits */
  readonly loginKey: string;
  readonly logins: readonly LoginRecord[];
  readonly delivered: readonly DeliveryNews[];
  readonly tickets: TicketSeed;
  /** of the other workers */
  readonly counts: Counts;
  /** the server starts: mistakes are told to whoever has started it */
  readonly isFirst: boolean;
  /** standard error leads nowhere, once the server serves; missing: false */
  readonly isMute?: boolean;
  /** after how many milliseconds without an answer the event loop counts as blocked */
  readonly stallMs: number;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly orders: WorkerOrders }
  /** no new clients; those there are stay */
  | { readonly kind: 'retire' }
  | { readonly kind: 'stop' }
  /** to be written by the logging plugins */
  | { readonly kind: 'log'; readonly entry: ParentEntry }
  | { readonly kind: 'elsewhere'; readonly counts: Counts }
  | { readonly kind: 'delivered'; readonly news: DeliveryNews }
  | { readonly kind: 'failure'; readonly failure: LoginFailure };

/** What one process learns and the others have to know. */
export type News =
  | { readonly kind: 'counts'; readonly counts: Counts }
  | { readonly kind: 'delivered'; readonly news: DeliveryNews }
  | { readonly kind: 'failure'; readonly failure: LoginFailure };

export type FromWorker =
  /** `logs`: there are logging plugins, which can write what the parent has to say */
  | { readonly kind: 'serving'; readonly logs?: boolean }
  /** it cannot serve, for these mistakes in the configuration; its end follows */
  | { readonly kind: 'refused'; readonly findings: readonly string[] }
  | { readonly kind: 'logged'; readonly serial: number }
  | { readonly kind: 'alive' }
  | News;

/** A message as it came from the channel, which only we write to; null: nothing that we know the form of. */
export function received<M extends ToWorker | FromWorker>(raw: unknown): M | null {
  return typeof raw === 'object' && raw !== null && 'kind' in raw ? (raw as M) : null;
}
