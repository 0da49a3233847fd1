// Binary digits of pi. Blowfish takes its first tables from them, so that nobody can have hidden anything in those;
// with this series (of the Chudnovsky brothers) they take a few milliseconds and no 4 KiB of constants.

// Each term gives so many bits.
const BITS_PER_TERM = 47;
// For what is lost in rounding.
const SPARE_BITS = 64;

/** The first words of 32 bits behind the point. */
export function fractionOfPi(words: number): Int32Array {
  const bits = words * 32;
  const scale = BigInt(2 * (bits + SPARE_BITS));
  const { q, t } = sumOfTerms(0, Math.ceil((bits + SPARE_BITS) / BITS_PER_TERM) + 1);
  const pi = (q * 426_880n * squareRoot(10_005n << scale)) / t;
  const digits = ((pi >> BigInt(SPARE_BITS)) - (3n << BigInt(bits))).toString(16).padStart(words * 8, '0');
  return Int32Array.from({ length: words }, (_, at) => Number.parseInt(digits.slice(8 * at, 8 * at + 8), 16));
}

interface Sum {
  readonly p: bigint;
  readonly q: bigint;
  readonly t: bigint;
}

/** Terms `from` to before `to` by binary splitting: few divisions, and of big numbers only at the end. */
function sumOfTerms(from: number, to: number): Sum {
  if (to - from === 1) return term(BigInt(from));
  const middle = (from + to) >> 1;
  const left = sumOfTerms(from, middle);
  const right = sumOfTerms(middle, to);
  return { p: left.p * right.p, q: left.q * right.q, t: right.q * left.t + left.p * right.t };
}

function term(k: bigint): Sum {
  const p = k === 0n ? 1n : (6n * k - 5n) * (2n * k - 1n) * (6n * k - 1n);
  const q = k === 0n ? 1n : k ** 3n * 10_939_058_860_032_000n;
  const t = p * (13_591_409n + 545_140_134n * k);
  return { p, q, t: k % 2n === 0n ? t : -t };
}

/** Newton's way, from above. */
function squareRoot(square: bigint): bigint {
  let root = 1n << BigInt(square.toString(16).length * 2 + 1);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
