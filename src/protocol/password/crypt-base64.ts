// The digits of crypt(3): 64 of them, the lowest six bits of a group first, and the octets of a group of three taken
// from all over the digest. Base64 of RFC 4648 has another alphabet and another order.

const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Places in a digest of the octets of a group, the highest first. */
export type Group = readonly number[];

/** The digits of a digest: four for each group of three octets, three for two, two for one. */
export function cryptDigits(digest: Buffer, groups: readonly Group[]): string {
  return groups.map((group) => digitsOf(digest, group)).join('');
}

function digitsOf(digest: Buffer, group: Group): string {
  let bits = group.reduce((sum, place) => (sum << 8) | (digest[place] ?? 0), 0);
  let digits = '';
  for (let count = group.length + 1; count > 0; count--) {
    digits += DIGITS[bits & 63];
    bits >>>= 6;
  }
  return digits;
}

/** Groups that follow from the first one: octet `k` of the next is octet `turn[k]` of this one, plus one. */
export function rotatingGroups(first: Group, turn: Group, count: number): Group[] {
  const groups = [first];
  while (groups.length < count) {
    const last = groups.at(-1) ?? first;
    groups.push(turn.map((from) => (last[from] ?? 0) + 1));
  }
  return groups;
}
