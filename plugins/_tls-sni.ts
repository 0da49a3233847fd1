// Certificates by the name that the client asks for (SNI): a folder that holds NAME.pem, NAME.crt with NAME.key, or as
// certbot has it NAME/fullchain.pem with NAME/privkey.pem. What a client asks for is a key of a map, never a path.

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import type { Clock, Logger } from 'qpsmtpd';
import type { PairFiles, WatchedContext } from './_tls-context.ts';
import { examine, isThere } from './_tls-files.ts';

const LOOK_AGAIN_AFTER = 1000;
const SETTLED_AFTER = 2000;
const NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

export interface SniMeans {
  readonly clock: Clock;
  readonly log: Logger;
  watch(files: PairFiles): WatchedContext;
}

interface Scan {
  readonly found: ReadonlyMap<string, PairFiles>;
  /** something there may become a pair without a change of the folder itself */
  readonly isWhole: boolean;
}

export class SniFolder {
  readonly #dir: string;
  readonly #means: SniMeans;
  #contexts: ReadonlyMap<string, WatchedContext> = new Map();
  #stamp = '';
  #isSettled = false;
  #checkedAt = -Infinity;

  constructor(dir: string, means: SniMeans) {
    this.#dir = dir;
    this.#means = means;
  }

  /** The names that there are certificates for. */
  get names(): readonly string[] {
    return [...this.#contexts.keys()];
  }

  /** Loads all certificates. @throws Error with a sentence for the operator, which names every bad one */
  load(): void {
    const problems = this.#look();
    if (problems.length > 0) throw new Error(problems.join('; '));
  }

  /** Null when there is no certificate for the name. */
  contextFor(serverName: string): SecureContext | null {
    this.#check();
    const name = serverName.toLowerCase().replace(/\.$/, '');
    const wildcard = `*${name.slice(name.indexOf('.'))}`;
    return (this.#contexts.get(name) ?? this.#contexts.get(wildcard))?.current ?? null;
  }

  #check(): void {
    const now = this.#means.clock.monotonic();
    if (now - this.#checkedAt < LOOK_AGAIN_AFTER) return;
    if (this.#isSettled && examine(this.#dir).stamp === this.#stamp) {
      this.#checkedAt = now;
      return;
    }
    for (const problem of this.#look()) this.#means.log.error(`error, ${problem}; it is not used`);
  }

  /** Gives what is wrong with certificates that were not there before; each looks after itself from then on. */
  #look(): readonly string[] {
    const { clock, watch } = this.#means;
    this.#checkedAt = clock.monotonic();
    const { stamp, changedAt } = examine(this.#dir);
    const { found, isWhole } = scan(this.#dir);
    const problems: string[] = [];
    const contexts = new Map<string, WatchedContext>();
    for (const [name, files] of found) {
      const known = this.#contexts.get(name);
      const isKnown = known?.files.cert === files.cert && known.files.key === files.key;
      const context = isKnown ? known : watch(files);
      contexts.set(name, context);
      if (isKnown) continue;
      try {
        context.load();
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    }
    this.#contexts = contexts;
    this.#stamp = stamp;
    this.#isSettled = isWhole && clock.now().getTime() - changedAt > SETTLED_AFTER;
    return problems;
  }
}

/** The certificates in a folder, by the names that they are for. */
export function pairsIn(dir: string): ReadonlyMap<string, PairFiles> {
  return scan(dir).found;
}

function scan(dir: string): Scan {
  const found = new Map<string, PairFiles>();
  let isWhole = true;
  for (const entry of entriesOf(dir)) {
    const [, base = '', ending = ''] = /^(.*?)(\.pem|\.crt|\.key)?$/.exec(entry.name) ?? [];
    const name = nameOf(ending === '' ? entry.name : base);
    if (name === null) continue;
    const files = pairOf(dir, entry, base, ending);
    if (files === null) isWhole &&= ending !== '.crt' && !isFolder(join(dir, entry.name));
    else found.set(name, files);
  }
  return { found, isWhole };
}

function entriesOf(dir: string): readonly Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    // A folder that is gone for a moment has no certificates then.
    return [];
  }
}

/** The files that an entry stands for; null when it is a part of something else, or not whole yet. */
function pairOf(dir: string, entry: Dirent, base: string, ending: string): PairFiles | null {
  const path = join(dir, entry.name);
  if (ending === '.pem') return { cert: path, key: path };
  if (ending === '.crt') return whole(path, join(dir, `${base}.key`));
  if (ending === '.key' || !isFolder(path)) return null;
  return whole(join(path, 'fullchain.pem'), join(path, 'privkey.pem'));
}

function whole(cert: string, key: string): PairFiles | null {
  return isThere(cert) && isThere(key) ? { cert, key } : null;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** `_wildcard.example.org` and `*.example.org` are the same; null for what is no name. */
function nameOf(text: string): string | null {
  const name = text.toLowerCase().replace(/^_wildcard\./, '*.');
  return NAME.test(name) ? name : null;
}
