// The file bare_newline: what becomes of a line of a message that ends in LF without CR. Postfix's default is
// `normalize`, qmail's only way is `reject`; networks of clients may have a rule of their own.

import { NetworkList, parseNetwork } from '../protocol/network.ts';
import type { ConfigLine } from './config-file.ts';
import { badValue, extraLine, findingOf } from './errors.ts';
import { failureOf, type KnownFile } from './file-types.ts';

/** `normalize`: a line end like any other, handed on as CRLF. `reject`: the message is refused. */
export type BareNewlinePolicy = 'normalize' | 'reject';

export interface BareNewline {
  /** for clients in none of the networks */
  readonly default: BareNewlinePolicy;
  /** the first that holds the client decides */
  readonly networks: readonly { readonly network: NetworkList; readonly policy: BareNewlinePolicy }[];
}

const FORM = /^(?:(\S+)\s+)?(normalize|reject)$/;

/** @throws ConfigError */
function readLine({ text, where }: ConfigLine): { network: NetworkList | null; policy: BareNewlinePolicy } {
  const [, network, word] = FORM.exec(text) ?? [];
  if (word === undefined)
    throw badValue(where, text, '"normalize", "reject", or one of them behind a network');
  const policy = word === 'reject' ? 'reject' : 'normalize';
  return { network: network === undefined ? null : readNetwork(network, where), policy };
}

function readNetwork(text: string, where: ConfigLine['where']): NetworkList {
  try {
    return new NetworkList([parseNetwork(text)]);
  } catch {
    throw badValue(where, text, 'a network such as 10.1.0.0/16, 10.1. or 2001:db8::/32');
  }
}

export const bareNewline: KnownFile<BareNewline> = {
  kind: 'list',
  form: '[NETWORK] normalize|reject',
  doc:
    'what becomes of message lines that end in a bare LF: they count as lines and are handed on with CRLF, or the ' +
    'message is refused. A line without a network is for all others; of several networks the first that holds ' +
    'the client decides',
  shownDefault: 'normalize',
  default: () => ({ default: 'normalize', networks: [] }),
  parse: (lines) => {
    const rules = lines.map(readLine);
    return {
      default: rules.find((rule) => rule.network === null)?.policy ?? 'normalize',
      networks: rules.flatMap(({ network, policy }) => (network === null ? [] : [{ network, policy }])),
    };
  },
  check: (lines) => {
    const extra = lines.filter(({ text }) => /^(?:normalize|reject)$/.test(text)).slice(1);
    return [
      ...lines.flatMap((line) => failureOf(() => readLine(line))),
      ...extra.map(({ where }) => findingOf(extraLine(where), 'warning')),
    ];
  },
};
