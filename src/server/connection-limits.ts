// How many clients there may be, in all and from one address. An IPv6 network of 64 bits counts as one address:
// that is what a single host is usually given.

export interface LimitSettings {
  /** 0 = no limit */
  readonly connections: number;
  /** 0 = no limit */
  readonly fromIp: number;
}

export type Refusal = 'too many connections' | 'too many connections from your address';

export class ConnectionLimits {
  readonly settings: LimitSettings;
  #total = 0;
  readonly #fromIp = new Map<string, number>();

  constructor(settings: LimitSettings) {
    this.settings = settings;
  }

  get total(): number {
    return this.#total;
  }

  /** addresses from which clients are there */
  get addresses(): number {
    return this.#fromIp.size;
  }

  countFrom(ip: string): number {
    return this.#fromIp.get(keyOf(ip)) ?? 0;
  }

  /**
   * Counts a client in. Gives why it may not stay, or null. Call `leave` for it in either case.
   *
   * @param ip null: not known yet, or of no interest; the client counts in all, and from no address
   */
  enter(ip: string | null): Refusal | null {
    this.#total++;
    const { connections } = this.settings;
    const isTooMany = ip !== null && this.name(ip) !== null;
    if (connections > 0 && this.#total > connections) return 'too many connections';
    return isTooMany ? 'too many connections from your address' : null;
  }

  /** Counts one that has come in with null, as from this address. */
  name(ip: string): Refusal | null {
    const key = keyOf(ip);
    const count = (this.#fromIp.get(key) ?? 0) + 1;
    this.#fromIp.set(key, count);
    const { fromIp } = this.settings;
    return fromIp > 0 && count > fromIp ? 'too many connections from your address' : null;
  }

  /** @param ip null where none was ever given */
  leave(ip: string | null): void {
    this.#total--;
    if (ip === null) return;
    const key = keyOf(ip);
    const count = (this.#fromIp.get(key) ?? 1) - 1;
    if (count > 0) this.#fromIp.set(key, count);
    else this.#fromIp.delete(key);
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
