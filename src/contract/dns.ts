// What plugins ask the DNS, and what comes of it. Nothing throws: plugins judge a missing name, a name without such
// records and a server that does not answer differently (RFC 7208 section 4.6.4, RFC 8601 section 2.7.3).

export type DnsAnswer<T> =
  /** at least one record; `ttl` in seconds */
  | { readonly kind: 'answer'; readonly values: readonly T[]; readonly ttl: number }
  /** the name does not exist (NXDOMAIN), or cannot exist because it breaks the limits of RFC 1035 2.3.4 */
  | { readonly kind: 'no-name' }
  /** the name exists, but has no record of this type */
  | { readonly kind: 'no-data' }
  /** nobody could say: SERVFAIL, unreadable replies, network errors, an aborted question */
  | { readonly kind: 'failure'; readonly reason: string }
  | { readonly kind: 'timeout' };

/** One mail exchanger. `exchange` is `.` for "takes no mail" (RFC 7505). */
export interface MxRecord {
  readonly preference: number;
  readonly exchange: string;
}

export interface AskOptions {
  /** gives up: the answer is then a failure */
  readonly signal?: AbortSignal | undefined;
  /** time for the whole question, in milliseconds; the answer is then 'timeout' */
  readonly timeoutMs?: number | undefined;
}

/**
 * Asks the DNS. No method throws or rejects. Names may hold any printable ASCII, with or without a final dot;
 * names that cannot exist (a label over 63 octets, over 253 in all, an empty label) are 'no-name' unasked.
 */
export interface Resolver {
  resolve4(name: string, options?: AskOptions): Promise<DnsAnswer<string>>;
  /** addresses as RFC 5952 writes them */
  resolve6(name: string, options?: AskOptions): Promise<DnsAnswer<string>>;
  /** in the order of the reply */
  resolveMx(name: string, options?: AskOptions): Promise<DnsAnswer<MxRecord>>;
  /** one value a record, its strings joined; one octet a character */
  resolveTxt(name: string, options?: AskOptions): Promise<DnsAnswer<string>>;
  resolvePtr(name: string, options?: AskOptions): Promise<DnsAnswer<string>>;
  resolveNs(name: string, options?: AskOptions): Promise<DnsAnswer<string>>;
  /** the names of an IPv4 or IPv6 address; 'no-name' for what is no address */
  reverse(ip: string, options?: AskOptions): Promise<DnsAnswer<string>>;
}
