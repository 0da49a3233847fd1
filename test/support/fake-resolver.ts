// A resolver whose whole world is a zone written in the test. Names are found in any case, with or without a
// final dot; an address is looked up under its reverse name or as it is written. What is not in the zone does
// not exist. `asked` tells which questions were put, as `TYPE name`.

import {
  type DnsAnswer,
  failed,
  noData,
  noName,
  type QuestionType,
  timedOut,
} from '../../src/net/dns-answer.ts';
import { askableName, isLoopback, reverseName } from '../../src/net/dns-name.ts';
import type { AskOptions, Resolver } from '../../src/net/resolver.ts';

export interface FakeRecords {
  A?: string[];
  AAAA?: string[];
  MX?: [preference: number, exchange: string][];
  TXT?: string[];
  PTR?: string[];
  NS?: string[];
  /** every question for this name ends so */
  failure?: 'failure' | 'timeout';
}

export interface FakeResolver extends Resolver {
  /** questions put so far, such as `TXT example.com`, in order */
  readonly asked: readonly string[];
}

const TTL = 300;

export function fakeResolver(zone: Record<string, FakeRecords>): FakeResolver {
  const names = new Map<string, FakeRecords>();
  for (const [key, records] of Object.entries(zone)) {
    const name = (reverseName(key) ?? askableName(key) ?? key).toLowerCase();
    names.set(name, { ...names.get(name), ...records });
  }
  const asked: string[] = [];

  function look<T>(
    type: QuestionType,
    name: string,
    pick: (records: FakeRecords) => readonly T[] | undefined,
    options: AskOptions = {},
  ): DnsAnswer<T> {
    const key = askableName(name)?.toLowerCase();
    if (key === undefined) return noName;
    if (options.signal?.aborted) return failed('aborted');
    asked.push(`${type} ${key}`);
    const records = names.get(key);
    if (records === undefined) return noName;
    if (records.failure === 'timeout') return timedOut;
    if (records.failure === 'failure') return failed('SERVFAIL');
    const values = pick(records) ?? [];
    return values.length > 0 ? { kind: 'answer', values, ttl: TTL } : noData;
  }

  const resolver: FakeResolver = {
    asked,
    resolve4: async (name, options) => look('A', name, (records) => records.A, options),
    resolve6: async (name, options) => look('AAAA', name, (records) => records.AAAA, options),
    resolveMx: async (name, options) =>
      look(
        'MX',
        name,
        (records) => records.MX?.map(([preference, exchange]) => ({ preference, exchange })),
        options,
      ),
    resolveTxt: async (name, options) => look('TXT', name, (records) => records.TXT, options),
    resolvePtr: async (name, options) => look('PTR', name, (records) => records.PTR, options),
    resolveNs: async (name, options) => look('NS', name, (records) => records.NS, options),
    reverse: async (ip, options) => {
      if (isLoopback(ip)) return { kind: 'answer', values: ['localhost'], ttl: 0 };
      const name = reverseName(ip);
      return name === null ? noName : resolver.resolvePtr(name, options);
    },
  };
  return resolver;
}
