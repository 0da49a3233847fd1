// The one DNS resolver of the core and of all plugins. A stub resolver (RFC 1034 5.3.1): it asks recursive servers,
// keeps their answers for their time to live, and asks a question once however many wait for it. Built on our own
// messages, since node:dns refuses names with `:`, `+` or blanks, which macros of SPF (RFC 7208 7) produce.

import { randomInt } from 'node:crypto';
import type { AskOptions, DnsAnswer, MxRecord, Resolver } from '../contract/dns.ts';
import type { Clock } from '../contract/plugin.ts';
import type { DnsRecord, QuestionType } from './dns-answer.ts';
import { failed, mapAnswer, noName } from './dns-answer.ts';
import { DnsCache } from './dns-cache.ts';
import { encodeQuestion, type Reading, readReply } from './dns-message.ts';
import { askableName, isLoopback, reverseName } from './dns-name.ts';
import type { DnsServer } from './dns-server.ts';
import { deliver } from './dns-transport.ts';
import { takeTurns } from './dns-turns.ts';
import { ResolvConf } from './resolv-conf.ts';
import { SharedQuestion } from './shared-question.ts';
import { Slots } from './slots.ts';

export type { AskOptions, DnsAnswer, MxRecord, Resolver } from '../contract/dns.ts';

const TIMEOUT_MS = 5000;
const ATTEMPTS = 2;
const MAX_UNDER_WAY = 256;
/** The longest time that setTimeout takes; more would mean at once. */
const MAX_TIMER_MS = 0x7fffffff;

export interface ResolverOptions {
  readonly clock: Clock;
  /** asked anew for each question when it is a function; default: what /etc/resolv.conf says */
  readonly servers?: readonly DnsServer[] | (() => readonly DnsServer[]);
  /** ids of queries: whole numbers from 0 to 65535 that nobody can guess */
  readonly random?: () => number;
  /** milliseconds in all for a question that brings no limit of its own; default 5000 */
  readonly timeoutMs?: number;
  /** how often each server is asked before the question times out; default 2 */
  readonly attempts?: number;
  /** questions on the network at a time, the rest waits its turn; default 256 */
  readonly maxUnderWay?: number;
}

export class DnsResolver implements Resolver {
  readonly #servers: () => readonly DnsServer[];
  readonly #random: () => number;
  readonly #timeoutMs: number;
  readonly #attempts: number;
  readonly #cache: DnsCache<DnsRecord>;
  readonly #underWay = new Map<string, SharedQuestion<DnsRecord>>();
  readonly #slots: Slots;
  #closed = false;

  constructor(options: ResolverOptions) {
    this.#servers = serverSource(options);
    this.#random = options.random ?? (() => randomInt(65_536));
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#attempts = options.attempts ?? ATTEMPTS;
    this.#slots = new Slots(options.maxUnderWay ?? MAX_UNDER_WAY);
    this.#cache = new DnsCache(options.clock);
  }

  resolve4(name: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    return this.#texts('A', name, options);
  }

  resolve6(name: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    return this.#texts('AAAA', name, options);
  }

  async resolveMx(name: string, options?: AskOptions): Promise<DnsAnswer<MxRecord>> {
    const answer = await this.#ask('MX', name, options);
    return mapAnswer(answer, ({ preference, text }) => ({ preference, exchange: text }));
  }

  resolveTxt(name: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    return this.#texts('TXT', name, options);
  }

  resolvePtr(name: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    return this.#texts('PTR', name, options);
  }

  resolveNs(name: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    return this.#texts('NS', name, options);
  }

  async reverse(ip: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    // RFC 6761 6.3: the loopback addresses are localhost everywhere; nobody needs to be asked.
    if (isLoopback(ip)) return { kind: 'answer', values: ['localhost'], ttl: 0 };
    const name = reverseName(ip);
    return name === null ? noName : this.resolvePtr(name, options);
  }

  /** Ends all questions with a failure, and answers later ones so. Leaves no socket or timer behind. */
  close(): void {
    this.#closed = true;
    for (const question of [...this.#underWay.values()]) question.end(failed('the resolver is closed'));
    this.#cache.clear();
  }

  async #texts(type: QuestionType, name: string, options?: AskOptions): Promise<DnsAnswer<string>> {
    return mapAnswer(await this.#ask(type, name, options), ({ text }) => text);
  }

  async #ask(type: QuestionType, name: string, options: AskOptions = {}): Promise<DnsAnswer<DnsRecord>> {
    const asked = askableName(name);
    if (asked === null) return noName;
    if (this.#closed) return failed('the resolver is closed');
    if (options.signal?.aborted) return failed('aborted');
    const key = `${type} ${asked.toLowerCase()}`;
    const known = this.#cache.get(key);
    if (known) return known;
    const timeoutMs = Math.min(options.timeoutMs ?? this.#timeoutMs, MAX_TIMER_MS);
    const question = this.#underWay.get(key) ?? this.#start(key, type, asked, timeoutMs);
    return question.join(timeoutMs, options.signal);
  }

  #start(key: string, type: QuestionType, name: string, timeoutMs: number): SharedQuestion<DnsRecord> {
    const question = new SharedQuestion<DnsRecord>(
      async (signal) => {
        const reading = await this.#slots.use(() => this.#askServers(type, name, timeoutMs, signal));
        if (!signal.aborted) this.#cache.set(key, reading.answer, reading.keep);
        return reading.answer;
      },
      () => this.#underWay.delete(key),
    );
    this.#underWay.set(key, question);
    return question;
  }

  async #askServers(
    type: QuestionType,
    name: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Reading> {
    const servers = this.#servers();
    const patienceMs = timeoutMs / Math.max(1, this.#attempts * servers.length);
    const ask = async (server: DnsServer, stop: AbortSignal): Promise<Reading> => {
      // A new id each time: whoever saw or guessed one must start over.
      const delivery = await deliver(server, encodeQuestion(this.#random(), type, name), stop);
      if (delivery.kind === 'reply') return readReply(type, delivery.message);
      return { answer: failed(delivery.reason), keep: 0 };
    };
    return takeTurns({ servers, attempts: this.#attempts, patienceMs, ask }, signal);
  }
}

function serverSource({ servers, clock }: ResolverOptions): () => readonly DnsServer[] {
  if (typeof servers === 'function') return servers;
  if (servers !== undefined) return () => servers;
  const file = new ResolvConf(clock);
  return () => file.servers();
}
