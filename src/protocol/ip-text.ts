// IP addresses as text, in the one form that compares: RFC 5952 for IPv6.

import type { IpAddress } from './ip-address.ts';

/** `192.0.2.1`, `2001:db8::1` */
export function showIp({ family, words }: IpAddress): string {
  if (family === 4) return showIpv4(words[0] ?? 0);
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const { at, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, at).join(':')}::${hex.slice(at + length).join(':')}`;
}

function showIpv4(word: number): string {
  return [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff].join('.');
}

/** The first of the longest ones (section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    let end = at;
    while (groups[end] === 0) end++;
    if (end - at > best.length) best = { at, length: end - at };
    if (end > at) at = end;
  }
  return best;
}
