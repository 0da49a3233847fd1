// Comparison of secrets in a time that does not tell where they differ.

import { hash, timingSafeEqual } from 'node:crypto';

/** Tells whether two secrets are the same; the time tells nothing but their lengths. */
export function isSame(one: Buffer | string, other: Buffer | string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}
