// How many clients there may be, in all and from one address. An IPv6 network of 64 bits counts as one address:
// that is what a single host is usually given.

export interface LimitSettings {
  /** 0 = no limit */
  readonly connections: number;
  /** 0 = no limit */
  readonly fromIp: number;
}

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

  countFrom(ip: string): number {
    return this.#fromIp.get(keyOf(ip)) ?? 0;
  }

  /** Counts a client in. Gives why it may not stay, or null. Call `leave` for it in either case. */
  enter(ip: string): 'too many connections' | 'too many connections from your address' | null {
    const key = keyOf(ip);
    const count = (this.#fromIp.get(key) ?? 0) + 1;
    this.#fromIp.set(key, count);
    this.#total++;
    const { connections, fromIp } = this.settings;
    if (connections > 0 && this.#total > connections) return 'too many connections';
    return fromIp > 0 && count > fromIp ? 'too many connections from your address' : null;
  }

  leave(ip: string): void {
    const key = keyOf(ip);
    const count = (this.#fromIp.get(key) ?? 1) - 1;
    if (count > 0) this.#fromIp.set(key, count);
    else this.#fromIp.delete(key);
    this.#total--;
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
