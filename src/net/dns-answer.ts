// What a DNS question can come to. Plugins judge a missing name, a name without such records and a server that
// does not answer differently (RFC 7208 4.6.4, RFC 8601 2.7.3), so they are told apart by type and nothing throws.

/** The record types that mail asks for. */
export type QuestionType = 'A' | 'AAAA' | 'MX' | 'NS' | 'PTR' | 'TXT';

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

/** A record in the one form that all asked types fit in. */
export interface DnsRecord {
  /** address, name or text */
  readonly text: string;
  /** of MX; 0 elsewhere */
  readonly preference: number;
}

export const noName: DnsAnswer<never> = Object.freeze({ kind: 'no-name' });
export const noData: DnsAnswer<never> = Object.freeze({ kind: 'no-data' });
export const timedOut: DnsAnswer<never> = Object.freeze({ kind: 'timeout' });

export function failed(reason: string): DnsAnswer<never> {
  return { kind: 'failure', reason };
}

/** The same answer with other values. */
export function mapAnswer<T, U>(answer: DnsAnswer<T>, change: (value: T) => U): DnsAnswer<U> {
  return answer.kind === 'answer' ? { ...answer, values: answer.values.map(change) } : answer;
}
