// The file that a mistyped name may stand for. Stricter than for words of a plugin line: any file may lie in a
// folder, and a short name is near to many.

import { nearest } from '../../engine/errors.ts';

const SHORTEST = 4;

export function closest(name: string, known: readonly string[]): string | null {
  const plain = name.toLowerCase();
  const candidates = known.filter(
    (other) => other.length >= SHORTEST && !isCopyOf(plain, other.toLowerCase()),
  );
  const found = nearest(plain, candidates, plain.length <= SHORTEST ? 1 : 2);
  return found ?? known.find((other) => other.toLowerCase() === plain) ?? null;
}

/** `rcpthosts.monday` and `rcpthosts2` were made by hand, and are meant as they are. */
function isCopyOf(name: string, other: string): boolean {
  return name !== other && name.startsWith(other) && /^(?:[._-].*|\d+)$/.test(name.slice(other.length));
}
