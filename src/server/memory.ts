// What one process of a server tells another that is to go on in its place. They may be of different versions, so what
// comes is looked at entry by entry: what is not understood is left out, and costs no more than that.

import type { DeliveryNews } from '../session/delivered-before.ts';
import type { LockOut, LoginRecord } from '../session/login-guard.ts';
import type { TicketSeed } from './tls-ticket-keys.ts';
import type { Counts, KeyCount, LoginFailure, News } from './worker-messages.ts';

/** A snapshot. Where a field gets another meaning, the version is another; fields that are only added do not count. */
export interface Memory {
  readonly version: 1;
  /** of LoginGuard, in hexadecimal digits. A secret: not for logs, arguments or environments */
  readonly loginKey: string;
  /** those with the latest failures last */
  readonly logins: readonly LoginRecord[];
  /** oldest first */
  readonly delivered: readonly DeliveryNews[];
}

export interface ReadMemory {
  readonly memory: Memory | null;
  /** for the log; null: all is understood */
  readonly complaint: string | null;
}

const MOST_ENTRIES = 50_000;
const LONGEST_KEY = 4000;
const LONGEST_ADDRESS = 100;
const SECRET = /^[0-9a-f]{64}$/;

/** @param raw as it came; undefined from a version that had nothing to say */
export function readMemory(raw: unknown): ReadMemory {
  if (raw === undefined) return { memory: null, complaint: null };
  if (!isObject(raw) || raw['version'] !== 1 || !isSecret(raw['loginKey']))
    return { memory: null, complaint: 'it remembers in a form that this version does not know' };
  const logins = readAll(raw['logins'], readLogin);
  const delivered = readAll(raw['delivered'], readDelivery);
  const lost = logins.lost + delivered.lost;
  return {
    memory: {
      version: 1,
      loginKey: raw['loginKey'],
      logins: logins.read,
      delivered: delivered.read,
    },
    complaint: lost === 0 ? null : `${lost} of its entries are not understood`,
  };
}

/** Null where it is none. */
export function readTickets(raw: unknown): TicketSeed | null {
  if (!isObject(raw) || !isSecret(raw['seed']) || !isAmount(raw['age'])) return null;
  return { seed: raw['seed'], age: raw['age'] };
}

/** What the other process has learnt since. Null: nothing that we know the form of. */
export function readNews(raw: unknown): News | null {
  if (!isObject(raw)) return null;
  const { kind } = raw;
  if (kind === 'counts') return wrap(readCounts(raw['counts']), (counts) => ({ kind, counts }));
  if (kind === 'failure') return wrap(readFailure(raw['failure']), (failure) => ({ kind, failure }));
  if (kind === 'delivered') return wrap(readDelivery(raw['news']), (news) => ({ kind, news }));
  return null;
}

function wrap<T>(value: T | null, make: (value: T) => News): News | null {
  return value === null ? null : make(value);
}

interface ReadAll<T> {
  readonly read: readonly T[];
  readonly lost: number;
}

/** The latest are last. */
function readAll<T>(raw: unknown, readOne: (raw: unknown) => T | null): ReadAll<T> {
  if (!Array.isArray(raw)) return { read: [], lost: 1 };
  const read = raw.slice(-MOST_ENTRIES).flatMap((one: unknown) => readOne(one) ?? []);
  return { read, lost: raw.length - read.length };
}

function readLogin(raw: unknown): LoginRecord | null {
  if (!isObject(raw)) return null;
  const { origin, failures, age, lockedFor, forMs } = raw;
  const isWhole = isAmount(failures) && isAmount(age) && isAmount(lockedFor) && isAmount(forMs);
  if (!isWhole || !isText(origin, LONGEST_ADDRESS)) return null;
  return { origin, failures, age, lockedFor, forMs };
}

function readDelivery(raw: unknown): DeliveryNews | null {
  if (!isObject(raw)) return null;
  const { keys, digest, age } = raw;
  if (!Array.isArray(keys) || keys.length > MOST_ENTRIES || !isAmount(age)) return null;
  if (!keys.every((key: unknown) => isText(key, LONGEST_KEY))) return null;
  if (digest !== null && !isText(digest, LONGEST_ADDRESS)) return null;
  return { keys, digest, age };
}

function readFailure(raw: unknown): LoginFailure | null {
  if (!isObject(raw)) return null;
  const { ip, age } = raw;
  const limits = readLockOut(raw['limits']);
  if (!isText(ip, LONGEST_ADDRESS) || !isAmount(age) || limits === null) return null;
  return { ip, age, limits };
}

function readLockOut(raw: unknown): LockOut | null {
  if (!isObject(raw)) return null;
  const { after, forMs } = raw;
  return isAmount(after) && isAmount(forMs) ? { after, forMs } : null;
}

function readCounts(raw: unknown): Counts | null {
  if (!isObject(raw)) return null;
  const { total, from } = raw;
  if (!isAmount(total) || !Array.isArray(from) || !from.every(isKeyCount)) return null;
  return { total, from };
}

function isKeyCount(raw: unknown): raw is KeyCount {
  return Array.isArray(raw) && raw.length === 2 && isText(raw[0], LONGEST_ADDRESS) && isAmount(raw[1]);
}

function isObject(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null;
}

function isSecret(raw: unknown): raw is string {
  return typeof raw === 'string' && SECRET.test(raw);
}

function isText(raw: unknown, longest: number): raw is string {
  return typeof raw === 'string' && raw.length <= longest;
}

function isAmount(raw: unknown): raw is number {
  return typeof raw === 'number' && Number.isFinite(raw) && raw >= 0;
}
