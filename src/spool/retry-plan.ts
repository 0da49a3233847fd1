// When a message is tried again: after a first pause, then after twice as long each time, up to a longest pause. Each
// pause is a little longer or shorter by chance, so that what failed together does not come back together.

export interface RetryPlan {
  /** milliseconds after the first attempt */
  readonly firstMs: number;
  readonly mostMs: number;
  /** milliseconds after which nobody tries any more */
  readonly lifetimeMs: number;
}

const SPREAD = 0.2;

/** @param attempts made so far @param random from 0 to 1 */
export function pauseAfter({ firstMs, mostMs }: RetryPlan, attempts: number, random: number): number {
  const pause = Math.min(mostMs, firstMs * 2 ** Math.min(30, attempts - 1));
  return Math.round(pause * (1 + SPREAD * (2 * random - 1)));
}
