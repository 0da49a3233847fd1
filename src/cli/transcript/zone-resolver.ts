// A resolver whose whole world is written down, in a transcript or a test. Names are found in any case, with or without
// a final dot; an address is looked up under its reverse name or as it is written. What is not written down does not
// exist. `asked` tells which questions were put, as `TYPE name`.

import type { AskOptions, DnsAnswer, Resolver } from '../../contract/dns.ts';
import { failed, noData, noName, type QuestionType, timedOut } from '../../net/dns-answer.ts';
import { askableName, isLoopback, reverseName } from '../../net/dns-name.ts';

export interface ZoneRecords {
  A?: string[];
  AAAA?: string[];
  MX?: [preference: number, exchange: string][];
  TXT?: string[];
  PTR?: string[];
  NS?: string[];
  /** every question for this name ends so */
  failure?: 'failure' | 'timeout';
}

export interface ZoneResolver extends Resolver {
  /** questions put so far, such as `TXT example.com`, in order */
  readonly asked: readonly string[];
}

const TTL = 300;

export function zoneResolver(zone: Readonly<Record<string, ZoneRecords>>): ZoneResolver {
  const names = new Map<string, ZoneRecords>();
  for (const [key, records] of Object.entries(zone)) {
    const name = (reverseName(key) ?? askableName(key) ?? key).toLowerCase();
    names.set(name, { ...names.get(name), ...records });
  }
  const asked: string[] = [];

  function look<T>(
    type: QuestionType,
    name: string,
    pick: (records: ZoneRecords) => readonly T[] | undefined,
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

  const resolver: ZoneResolver = {
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

/** Writes a record into a zone; `failure` and `timeout` have no value. False where it makes no sense. */
export function addRecord(
  zone: Record<string, ZoneRecords>,
  name: string,
  type: string,
  value: string | undefined,
): boolean {
  const known = zone[name] ?? {};
  const records = value === undefined ? ending(known, type) : withValue(known, type, value);
  if (records !== null) zone[name] = records;
  return records !== null;
}

function ending(known: ZoneRecords, failure: string): ZoneRecords | null {
  return failure === 'failure' || failure === 'timeout' ? { ...known, failure } : null;
}

function withValue(known: ZoneRecords, type: string, value: string): ZoneRecords | null {
  if (type === 'MX') {
    const [, preference, exchange] = /^(\d+)\s+(\S+)$/.exec(value) ?? [];
    if (exchange === undefined) return null;
    return { ...known, MX: [...(known.MX ?? []), [Number(preference), exchange]] };
  }
  const texts = (['A', 'AAAA', 'TXT', 'PTR', 'NS'] as const).find((one) => one === type);
  return texts === undefined ? null : { ...known, [texts]: [...(known[texts] ?? []), value] };
}
