// Typed notes over a Map that is made only when the first note is set: most connections never have one.

import type { Notes } from '../contract/connection.ts';

export class NoteCells<T extends object> implements Notes<T> {
  #cells: Map<keyof T, T[keyof T]> | null = null;

  get<K extends keyof T>(key: K): T[K] | undefined {
    // What was set under a key has that key's type.
    return this.#cells?.get(key) as T[K] | undefined;
  }

  set<K extends keyof T>(key: K, value: T[K]): void {
    this.#cells ??= new Map();
    this.#cells.set(key, value);
  }

  has(key: keyof T): boolean {
    return this.#cells?.has(key) ?? false;
  }

  delete(key: keyof T): void {
    this.#cells?.delete(key);
  }

  entries(): Iterable<readonly [keyof T, T[keyof T]]> {
    return this.#cells ?? [];
  }
}
