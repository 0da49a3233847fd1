// Remembers where failed logins come from, for the whole server, over reloads and upgrades, and locks out addresses from
// which there were too many. Also makes up SCRAM secrets of users that do not exist, so that nobody learns which do.

import { randomBytes } from 'node:crypto';
import { parseIp } from '../protocol/ip-address.ts';
import { hmac, SCRAM_ITERATIONS, type ScramSecret } from '../protocol/scram-secret.ts';

export interface LockOut {
  /** failed logins within `forMs` after which an address is locked out; 0 = never */
  readonly after: number;
  /** milliseconds */
  readonly forMs: number;
}

interface Record {
  /** failures since `since` */
  failures: number;
  since: number;
  lockedUntil: number;
  /** how long they count */
  forMs: number;
}

/** What another process of the server has to know of an address. Times are milliseconds before or from now. */
export interface LoginRecord {
  /** an address or a network, in a form of our own */
  readonly origin: string;
  readonly failures: number;
  /** since the first of them */
  readonly age: number;
  /** 0: it is not locked out */
  readonly lockedFor: number;
  readonly forMs: number;
}

const SALT_OCTETS = 16;
/** Some 3 MB. Above it the address that has been quiet for longest is forgotten. */
const MOST_ADDRESSES = 20_000;

/** Hears of each failed login that is counted here. */
export type TellFailure = (ip: string, limits: LockOut) => void;

export interface LoginGuardSettings {
  /** the same for all workers of one server, so that they make up the same secrets */
  readonly key?: Buffer;
  readonly most?: number;
  readonly tell?: TellFailure;
  /** false: it is for somebody else, who hears of all failures, to say who is locked out */
  readonly isSpokesman?: boolean;
}

/** Times are milliseconds of a clock that only goes forward. */
export class LoginGuard {
  /** a secret: not for logs, arguments or environments */
  readonly key: Buffer;
  readonly #most: number;
  readonly #tell: TellFailure;
  readonly #isSpokesman: boolean;
  /** the one with the latest failure last */
  readonly #records = new Map<string, Record>();

  constructor({
    key = randomBytes(32),
    most = MOST_ADDRESSES,
    tell = () => {},
    isSpokesman = true,
  }: LoginGuardSettings = {}) {
    this.key = key;
    this.#most = most;
    this.#tell = tell;
    this.#isSpokesman = isSpokesman;
  }

  /** Addresses with failed logins that are remembered. */
  get size(): number {
    return this.#records.size;
  }

  isLockedOut(ip: string, now: number): boolean {
    const record = this.#records.get(originOf(ip));
    return record !== undefined && record.lockedUntil > now;
  }

  /**
   * Counts a failed login. Gives true when it was the one that locks its address out, and nobody else says so. A login
   * that succeeds takes nothing back: who owns one account would otherwise have any number of guesses at the others.
   */
  noteFailure(ip: string, now: number, limits: LockOut): boolean {
    if (limits.after === 0) return false;
    this.#tell(ip, limits);
    return this.noteElsewhere(ip, now, limits) && this.#isSpokesman;
  }

  /** The same for a failure at another worker of this server; it may be told late. */
  noteElsewhere(ip: string, now: number, { after, forMs }: LockOut): boolean {
    const origin = originOf(ip);
    const old = this.#records.get(origin);
    const record = old !== undefined && counts(old, now, forMs) ? old : newRecord(now);
    record.forMs = forMs;
    this.#put(origin, record);
    // A login that was under way when the lock-out began neither ends it nor makes it longer.
    if (record.lockedUntil > now) return false;
    record.failures++;
    if (record.failures < after) return false;
    record.lockedUntil = now + forMs;
    return true;
  }

  /** All that may still count, those with the latest failures last. */
  recent(now: number): LoginRecord[] {
    return [...this.#records]
      .filter(([, record]) => counts(record, now, record.forMs))
      .map(([origin, { failures, since, lockedUntil, forMs }]) => {
        return { origin, failures, age: now - since, lockedFor: Math.max(0, lockedUntil - now), forMs };
      });
  }

  /** What another process has remembered so far. */
  learn(records: readonly LoginRecord[], now: number): void {
    for (const { origin, failures, age, lockedFor, forMs } of records) {
      const lockedUntil = lockedFor > 0 ? now + lockedFor : -Infinity;
      this.#put(origin, { failures, since: now - age, lockedUntil, forMs });
    }
  }

  /** The same for the same name as long as the server lives, like one that is stored. */
  madeUpSecret(user: string): ScramSecret {
    const about = (what: string) => hmac(this.key, `${what} ${user}`);
    return {
      salt: about('salt').subarray(0, SALT_OCTETS),
      iterations: SCRAM_ITERATIONS,
      storedKey: about('stored key'),
      serverKey: about('server key'),
    };
  }

  #put(origin: string, record: Record): void {
    this.#records.delete(origin);
    this.#records.set(origin, record);
    if (this.#records.size <= this.#most) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }
}

function newRecord(now: number): Record {
  // Failures elsewhere may be older than the clock of this process.
  return { failures: 0, since: now, lockedUntil: -Infinity, forMs: 0 };
}

function counts({ since, lockedUntil }: Record, now: number, forMs: number): boolean {
  return now - since < forMs || lockedUntil > now;
}

/** An IPv6 network of 64 bits counts as one address: that is what a single host is usually given. */
function originOf(ip: string): string {
  const address = parseIp(ip.split('%', 1)[0] ?? '');
  if (address === null) return ip;
  return address.words.slice(0, address.family === 4 ? 1 : 2).join(':');
}
