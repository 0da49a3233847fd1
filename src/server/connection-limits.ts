// How many clients there may be, in all and from one address. An IPv6 network of 64 bits counts as one address:
// that is what a single host is usually given. Clients of other workers of the same server count, too.

export interface LimitSettings {
  /** 0 = no limit */
  readonly connections: number;
  /** 0 = no limit */
  readonly fromIp: number;
  /** for this process alone, where it is one of several; 0 or missing = no limit */
  readonly own?: number;
}

/** Clients of the other workers of the same server. */
export interface Elsewhere {
  readonly total: number;
  /** @param key as `keyOf` makes it */
  countOf(key: string): number;
  /** The count of this process has changed; `key` is null where only its total has. */
  changed(total: number, key: string | null, count: number): void;
}

export type Refusal = 'too many connections' | 'too many connections from your address';

export class ConnectionLimits {
  readonly settings: LimitSettings;
  #total = 0;
  readonly #fromIp = new Map<string, number>();
  #elsewhere: Elsewhere | null;

  /** @param elsewhere null: this process is the whole server */
  constructor(settings: LimitSettings, elsewhere: Elsewhere | null = null) {
    this.settings = settings;
    this.#elsewhere = elsewhere;
  }

  /** From here on clients of other processes count, too. Does nothing where they do already. */
  share(find: () => Elsewhere): void {
    if (this.#elsewhere !== null) return;
    const elsewhere = find();
    this.#elsewhere = elsewhere;
    elsewhere.changed(this.#total, null, 0);
    for (const [key, count] of this.#fromIp) elsewhere.changed(this.#total, key, count);
  }

  get total(): number {
    return this.#total + (this.#elsewhere?.total ?? 0);
  }

  /** addresses from which clients are there */
  get addresses(): number {
    return this.#fromIp.size;
  }

  countFrom(ip: string): number {
    return this.#countOf(keyOf(ip));
  }

  #countOf(key: string): number {
    return (this.#fromIp.get(key) ?? 0) + (this.#elsewhere?.countOf(key) ?? 0);
  }

  /**
   * Counts a client in. Gives why it may not stay, or null. Call `leave` for it in either case.
   *
   * @param ip null: not known yet, or of no interest; the client counts in all, and from no address
   */
  enter(ip: string | null): Refusal | null {
    this.#total++;
    const { connections, own = 0 } = this.settings;
    const isTooMany = ip !== null && this.name(ip) !== null;
    if (ip === null) this.#elsewhere?.changed(this.#total, null, 0);
    if (connections > 0 && this.total > connections) return 'too many connections';
    if (own > 0 && this.#total > own) return 'too many connections';
    return isTooMany ? 'too many connections from your address' : null;
  }

  /** Counts one that has come in with null, as from this address. */
  name(ip: string): Refusal | null {
    const key = keyOf(ip);
    const count = (this.#fromIp.get(key) ?? 0) + 1;
    this.#fromIp.set(key, count);
    this.#elsewhere?.changed(this.#total, key, count);
    const { fromIp } = this.settings;
    return fromIp > 0 && this.#countOf(key) > fromIp ? 'too many connections from your address' : null;
  }

  /** @param ip null where none was ever given */
  leave(ip: string | null): void {
    this.#total--;
    if (ip === null) {
      this.#elsewhere?.changed(this.#total, null, 0);
      return;
    }
    const key = keyOf(ip);
    const count = (this.#fromIp.get(key) ?? 1) - 1;
    if (count > 0) this.#fromIp.set(key, count);
    else this.#fromIp.delete(key);
    this.#elsewhere?.changed(this.#total, key, count);
  }
}

function keyOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}
