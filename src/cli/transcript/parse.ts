// Transcripts: a conversation with what is expected of it, as text. CONTRIBUTING.md has the form of each line.

import type { Service } from '../../contract/connection.ts';
import { addRecord, type ZoneRecords } from './zone-resolver.ts';

export interface Setup {
  readonly plugins: readonly string[];
  readonly logging: readonly string[];
  /** lines by config file */
  readonly config: ReadonlyMap<string, readonly string[]>;
  /** entries by cdb file, without its ending */
  readonly maps: ReadonlyMap<string, readonly (readonly [key: string, value: string])[]>;
  readonly env: Readonly<Record<string, string>>;
  /** what the DNS knows; nothing where it is missing */
  readonly zone?: Readonly<Record<string, ZoneRecords>>;
}

export interface ClientFacts {
  readonly ip: string;
  readonly host: string;
  /** the kind of listener that it has come by */
  readonly service?: Service;
}

export type Step = { readonly line: number } & (
  | { readonly kind: 'send'; readonly text: string }
  /** `code`: a whole reply with that code, whatever it says */
  | { readonly kind: 'reply'; readonly code: string }
  | { readonly kind: 'reply-line'; readonly glob: string }
  | { readonly kind: 'closed' }
  | { readonly kind: 'log'; readonly glob: string }
  | {
      readonly kind: 'note';
      readonly on: 'connection' | 'transaction';
      readonly note: string;
      readonly value: string;
    }
  | { readonly kind: 'file'; readonly path: string; readonly glob: string }
);

export interface Conversation {
  readonly client: ClientFacts;
  readonly steps: readonly Step[];
}

export interface Transcript {
  /** the first comment line */
  readonly title: string;
  readonly setup: Setup;
  readonly conversations: readonly Conversation[];
}

/** What is wrong with a transcript, with its line. */
export class TranscriptError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const DEFAULT_CLIENT: ClientFacts = { ip: '192.0.2.1', host: 'client.example' };

class Builder {
  readonly plugins: string[] = [];
  readonly logging: string[] = [];
  readonly config = new Map<string, string[]>();
  readonly maps = new Map<string, [string, string][]>();
  readonly env: Record<string, string> = {};
  readonly zone: Record<string, ZoneRecords> = {};
  readonly conversations: { client: ClientFacts; steps: Step[] }[] = [{ client: DEFAULT_CLIENT, steps: [] }];

  get current(): { client: ClientFacts; steps: Step[] } {
    const last = this.conversations.at(-1);
    if (last === undefined) throw new Error('there is always a conversation');
    return last;
  }

  begin(): void {
    this.conversations.push({ client: this.current.client, steps: [] });
  }
}

type Reader = (into: Builder, rest: string, line: number) => void;

const setupReaders: Readonly<Record<string, Reader>> = {
  plugins: (into, rest) => void into.plugins.push(rest),
  logging: (into, rest) => void into.logging.push(rest),
  config(into, rest, line) {
    const [, file, text] = /^([^\s|]+)\s*\| ?(.*)$/.exec(rest) ?? fail(line, 'config FILE | text');
    if (file === 'plugins' || file === 'logging') fail(line, `${file} LINE`);
    append(into.config, file ?? '', text ?? '');
  },
  map(into, rest, line) {
    const [, file, key, value] =
      /^([^\s|]+)\s*\| ?([^=]+)=(.*)$/.exec(rest) ?? fail(line, 'map FILE | key=value');
    append(into.maps, file ?? '', [key ?? '', value ?? ''] as [string, string]);
  },
  client(into, rest, line) {
    const [ip, host] = rest.split(/\s+/);
    if (ip === undefined || ip === '') fail(line, 'client IP [host]');
    into.current.client = { ...into.current.client, ip: ip ?? '', host: host ?? 'Unknown' };
  },
  service(into, rest, line) {
    const words = rest.split(/\s+/);
    if (!words.every((word) => ['smtp', 'lmtp', 'tls'].includes(word))) fail(line, 'service smtp|lmtp|tls …');
    const service = { tls: words.includes('tls'), lmtp: words.includes('lmtp') };
    into.current.client = { ...into.current.client, service };
  },
  env(into, rest, line) {
    const [, name, value] = /^([^=\s]+)=(.*)$/.exec(rest) ?? fail(line, 'env NAME=VALUE');
    into.env[name ?? ''] = value ?? '';
  },
  dns(into, rest, line) {
    const [, name = '', type = '', value] = /^(\S+)\s+(\S+)(?:\s+(.*))?$/.exec(rest) ?? [];
    if (!addRecord(into.zone, name, type, value)) {
      fail(line, 'dns NAME|IP A|AAAA|MX|TXT|PTR|NS VALUE, or dns NAME|IP failure|timeout');
    }
  },
};

const stepReaders: Readonly<Record<string, (rest: string, line: number) => Step>> = {
  C: (text, line) => ({ kind: 'send', text, line }),
  S(rest, line) {
    if (rest.trim() === '(closed)') return { kind: 'closed', line };
    if (/^\d{3}$/.test(rest.trim())) return { kind: 'reply', code: rest.trim(), line };
    return { kind: 'reply-line', glob: rest, line };
  },
  L: (rest, line) => ({ kind: 'log', glob: rest, line }),
  N(rest, line) {
    const [, on, note, value] = /^(connection|transaction)\s+(\S+)\s+=\s?(.*)$/.exec(rest) ?? [];
    if (on === undefined) fail(line, 'N: connection|transaction NOTE = VALUE');
    return {
      kind: 'note',
      on: on === 'connection' ? on : 'transaction',
      note: note ?? '',
      value: value ?? '',
      line,
    };
  },
  F(rest, line) {
    const [, path, glob] = /^(\S+)\s+~\s(.*)$/.exec(rest) ?? fail(line, 'F: PATH ~ LINE');
    return { kind: 'file', path: path ?? '', glob: glob ?? '', line };
  },
};

/** @throws TranscriptError */
export function parseTranscript(text: string): Transcript {
  const into = new Builder();
  let title = '';
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = at + 1;
    if (raw.startsWith('#')) {
      if (line === 1) title = raw.replace(/^#+\s*/, '').trim();
    } else if (/^---\s*$/.test(raw)) {
      into.begin();
    } else if (raw.trim() !== '') {
      readLine(into, raw, line);
    }
  }
  if (title === '') throw new TranscriptError(1, 'the first line must be a comment that says what is shown');
  const { plugins, logging, config, maps, env, zone, conversations } = into;
  return { title, setup: { plugins, logging, config, maps, env, zone }, conversations };
}

function readLine(into: Builder, raw: string, line: number): void {
  const [, letter, rest] = /^([A-Z]):(?: (.*))?$/.exec(raw) ?? [];
  const step = letter === undefined ? undefined : stepReaders[letter];
  if (step !== undefined) {
    into.current.steps.push(step(rest ?? '', line));
    return;
  }
  const [, word, words] = /^(\w+)\s+(.*?)\s*$/.exec(raw) ?? [];
  const setup = word !== undefined && Object.hasOwn(setupReaders, word) ? setupReaders[word] : undefined;
  if (setup === undefined) fail(line, 'a line of setup (plugins, config, …), or one of C: S: L: N: F:');
  setup?.(into, words ?? '', line);
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function fail(line: number, form: string): never {
  throw new TranscriptError(line, `expected: ${form}`);
}
