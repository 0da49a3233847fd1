// What the DNS says of a HELO name and of the client's address. An answer that does not come is no answer against the
// client: its mail is not to be lost for trouble of ours (RFC 5321 section 4.1.4 wants even less refused).

import { type DnsAnswer, type Network, NetworkList, parseNetwork } from 'qpsmtpd';
import type { Complaint } from './_helo-name.ts';

/** What is to be known of a name's addresses, or of an address's names. */
export type Known = 'yes' | 'no' | 'unanswered';

export interface DnsFacts {
  readonly forward: Known;
  readonly reverse: Known;
  /** an address of the name is the client's, or one of its network */
  readonly forwardMatch: boolean;
  /** a name of the client's is this one, or one of its domain */
  readonly reverseMatch: boolean;
  /** what was wrong with answers that did not come, for the log */
  readonly trouble: string | null;
}

export interface DnsReplies {
  readonly addresses: readonly DnsAnswer<string>[];
  readonly names: DnsAnswer<string>;
}

/** @param name in lower case, without a final dot; null for an address literal, which needs no addresses */
export function dnsFacts(name: string | null, ip: string, { addresses, names }: DnsReplies): DnsFacts {
  const found = addresses.flatMap(valuesOf);
  const troubles = [...addresses, names].map(troubleOf).filter((trouble) => trouble !== null);
  return {
    forward: found.length > 0 || name === null ? 'yes' : known(addresses),
    reverse: known([names]),
    forwardMatch: found.some((address) => isNear(address, ip)),
    reverseMatch: name !== null && valuesOf(names).some((other) => isAkin(name, other)),
    trouble: troubles[0] ?? null,
  };
}

function known(answers: readonly DnsAnswer<string>[]): Known {
  if (answers.some((answer) => valuesOf(answer).length > 0)) return 'yes';
  return answers.some((answer) => troubleOf(answer) !== null) ? 'unanswered' : 'no';
}

function valuesOf(answer: DnsAnswer<string>): readonly string[] {
  return answer.kind === 'answer' ? answer.values : [];
}

function troubleOf(answer: DnsAnswer<string>): string | null {
  if (answer.kind === 'timeout') return 'no answer in time';
  return answer.kind === 'failure' ? answer.reason : null;
}

/** The first 24 bits of an IPv4 address, 96 of an IPv6 one: pools of servers go by many names and one network. */
function isNear(address: string, ip: string): boolean {
  const { family, words } = parseNetwork(address);
  const near: Network = { family, words, bits: family === 4 ? 24 : 96 };
  return new NetworkList([near]).contains(ip);
}

/** The same last two labels. */
function isAkin(name: string, other: string): boolean {
  const domain = other.toLowerCase().replace(/\.$/, '').split('.').slice(-2);
  return domain.length === 2 && domain.join('.') === name.split('.').slice(-2).join('.');
}

export function dnsComplaint({ forward, reverse }: DnsFacts): Complaint | null {
  if (forward === 'no') return complaint('the DNS has no address for this name', 'no forward DNS', '5.7.1');
  if (reverse === 'no') return complaint('the DNS has no name for your address', 'no reverse DNS', '5.7.25');
  return null;
}

export function mismatch(facts: DnsFacts): Complaint | null {
  if (facts.forwardMatch || facts.reverseMatch || facts.trouble !== null) return null;
  return complaint('your name and your address do not belong together', 'no matching DNS', '5.7.25');
}

function complaint(text: string, log: string, status: Complaint['status']): Complaint {
  return { text, log, status };
}
