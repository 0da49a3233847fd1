// Answers of the DNS as the resolver makes them: records of every type in one form, and the answers without any.

import type { DnsAnswer } from '../contract/dns.ts';

export type { DnsAnswer, MxRecord } from '../contract/dns.ts';

/** The record types that mail asks for. */
export type QuestionType = 'A' | 'AAAA' | 'MX' | 'NS' | 'PTR' | 'TXT';

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
