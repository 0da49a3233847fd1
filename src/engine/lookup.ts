// A value from configuration, in qpsmtpd's order: user_config hooks, config hooks, file, default. Without such
// hooks, which is the usual case, nothing has to be waited for.

import type { ConfigLine } from '../config/config-file.ts';
import type { ConfigStore } from '../config/config-store.ts';
import { ConfigError } from '../config/errors.ts';
import type { KnownFileName, KnownValue } from '../config/known-files.ts';
import type { Awaitable, HookName } from '../contract/hooks.ts';
import type { Answer, Verdict } from '../contract/verdict.ts';
import type { Log } from '../log/log.ts';
import type { Address } from '../protocol/address.ts';
import type { Scene } from './call.ts';
import type { Dispatcher } from './dispatch.ts';

const NO_LINES: readonly ConfigLine[] = [];
const BUILT_IN = { file: 'built-in default' };
const NOBODY: Scene = { connection: null, transaction: null, verdicts: null };
// Handlers of these hooks answer or record look-ups; asking them again would never end.
const FILES_ONLY: ReadonlySet<HookName> = new Set(['config', 'user_config', 'logging']);

interface Asker {
  readonly hook: HookName;
  readonly scene: Scene;
}

export class Lookup {
  readonly #store: ConfigStore;
  readonly #dispatcher: () => Dispatcher;
  readonly #log: Log;
  readonly #texts = new WeakMap<readonly ConfigLine[], readonly string[]>();
  readonly #defaults: ReadonlyMap<string, readonly ConfigLine[]>;

  /**
   * @param dispatcher asked for late, as it needs this look-up itself
   * @param hostname what `me` is without a file
   */
  constructor(store: ConfigStore, dispatcher: () => Dispatcher, hostname: string, log: Log) {
    this.#log = log;
    this.#store = store;
    this.#dispatcher = dispatcher;
    this.#defaults = new Map([['me', [{ text: hostname, where: BUILT_IN }]]]);
  }

  /** Lines of a file, each with its place; from a hook they have the hook's name for a place. */
  lines(file: string, asker: Asker, user: Address | null): Awaitable<readonly ConfigLine[]> {
    if (FILES_ONLY.has(asker.hook)) return this.fileLines(file);
    const dispatcher = this.#dispatcher();
    if (user !== null && dispatcher.has('user_config')) return this.#askUser(dispatcher, file, asker, user);
    if (dispatcher.has('config')) return this.#askConfig(dispatcher, file, asker);
    return this.fileLines(file);
  }

  /** The same as plain text. */
  texts(file: string, asker: Asker, user: Address | null): Awaitable<readonly string[]> {
    const lines = this.lines(file, asker, user);
    return lines instanceof Promise ? lines.then((it) => this.#textsOf(it)) : this.#textsOf(lines);
  }

  fileLines(file: string): readonly ConfigLine[] {
    return this.#store.lines(file) ?? this.#defaults.get(file) ?? NO_LINES;
  }

  fileTexts(file: string): readonly string[] {
    return this.#textsOf(this.fileLines(file));
  }

  /** A core file's value, with config hooks asked first. */
  value<N extends KnownFileName>(name: N): Awaitable<KnownValue<N>> {
    const dispatcher = this.#dispatcher();
    if (!dispatcher.has('config')) return this.#store.value(name);
    return this.#hookValue(dispatcher, name);
  }

  /** What a core file says for one user by the user_config hooks; null where none of them answers, or not well. */
  async userValue<N extends KnownFileName>(
    name: N,
    scene: Scene,
    user: Address,
  ): Promise<KnownValue<N> | null> {
    const given = await this.#dispatcher().ask('user_config', scene, user, name);
    const lines = answered(name, given);
    return lines === null ? null : (this.#parsed(name, lines)?.value ?? null);
  }

  async #hookValue<N extends KnownFileName>(dispatcher: Dispatcher, name: N): Promise<KnownValue<N>> {
    const given = await dispatcher.ask('config', NOBODY, name);
    const lines = answered(name, given);
    const parsed = lines === null ? null : this.#parsed(name, lines);
    return parsed === null ? this.#store.value(name) : parsed.value;
  }

  #parsed<N extends KnownFileName>(name: N, lines: readonly ConfigLine[]): { value: KnownValue<N> } | null {
    try {
      return { value: this.#store.parsed(name, lines) };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.write('error', `error, ${error.message}; this answer is not used`);
      return null;
    }
  }

  async #askUser(dispatcher: Dispatcher, file: string, asker: Asker, user: Address) {
    const given = await dispatcher.ask('user_config', asker.scene, user, file);
    const lines = answered(file, given);
    if (lines !== null) return lines;
    return dispatcher.has('config') ? this.#askConfig(dispatcher, file, asker) : this.fileLines(file);
  }

  async #askConfig(dispatcher: Dispatcher, file: string, asker: Asker) {
    const given = await dispatcher.ask('config', asker.scene, file);
    return answered(file, given) ?? this.fileLines(file);
  }

  #textsOf(lines: readonly ConfigLine[]): readonly string[] {
    const known = this.#texts.get(lines);
    if (known !== undefined) return known;
    const texts = lines.map((line) => line.text);
    this.#texts.set(lines, texts);
    return texts;
  }
}

/** Lines that a hook gave; null where none did. */
function answered(file: string, given: Answer<readonly string[]> | Verdict): readonly ConfigLine[] | null {
  return 'value' in given ? fromHook(file, given.value) : null;
}

function fromHook(file: string, texts: readonly string[]): readonly ConfigLine[] {
  return texts.map((text, at) => ({ text, where: { file: `${file} (config hook)`, line: at + 1 } }));
}
