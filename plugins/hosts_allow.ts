// Decides by address who is served at all, before anything is sent (qpsmtpd: plugins/hosts_allow). Its other task
// there, the number of connections from one address, is the server's own here.

import { isIP } from 'node:net';
import {
  type Code,
  declined,
  definePlugin,
  denial,
  listFile,
  type Network,
  ok,
  parseNetwork,
  remembered,
  type Verdict,
  whenReady,
} from 'qpsmtpd';

export interface HostRule {
  readonly network: Network;
  readonly constant: string;
  readonly message: string;
}

/** Constants by the names that the file may use. */
const codes: Readonly<Record<string, Code>> = {
  OK: 'OK',
  DONE: 'OK',
  DECLINED: 'DECLINED',
  DENY: 'DENY',
  DENYSOFT: 'DENYSOFT',
  DENY_DISCONNECT: 'DENY_DISCONNECT',
  DENYHARD: 'DENY_DISCONNECT',
  DENYSOFT_DISCONNECT: 'DENYSOFT_DISCONNECT',
};

export default definePlugin({
  name: 'hosts_allow',
  summary: 'decides by address who may connect',
  docs: `Looks the address of a new client up in the file hosts_allow. The first line that covers it decides, so exceptions
stand before the network that they are taken from:

  192.0.2.4     DECLINED
  192.0.2.0/24  DENY we take no mail from this network

DENY refuses with 550 and DENYSOFT with 451, both with the message of the line if there is one; the connection ends. The same
words with _DISCONNECT mean the same here. DECLINED and OK let the client in: with OK no further plugin is asked
about its address, with DECLINED the next one is.

An address may be IPv4 or IPv6, and a network may also be written as prefix that ends in a dot or colon (192.0.2.). Bits behind
the length of a network do not count. How many connections one address may have at once is the option --max-from-ip
of the server, which needs no plugin.

A client is looked up before its name is known and before TLS, and gets no greeting when it is refused. Who runs the server
behind a super-server can refuse addresses there.

Example, in config/plugins: hosts_allow

Log lines: "pass" with the constant for a client that is listed, "fail" with the message for one that is refused.`,
  files: {
    hosts_allow: listFile({
      form: 'IP|IP/BITS|PREFIX. CONSTANT [MESSAGE]',
      doc: 'clients that are served (DECLINED, OK) or not (DENY, DENYSOFT, with or without _DISCONNECT)',
      parse: parseRule,
    }),
  },
  sideEffects: false,
  setup({ files }) {
    const rulesOf = remembered((rules: readonly HostRule[]) => new FirstMatch(rules));
    return {
      'pre-connection': (at, { remoteIp }) =>
        whenReady(files.hosts_allow(at), (list) => {
          const rule = rulesOf(list).find(remoteIp);
          if (rule === null) {
            at.log.debug('pass');
            return declined;
          }
          const verdict = verdictOf(rule);
          if (verdict.code.startsWith('DENY')) at.log.info(`fail, ${rule.message || rule.constant}`);
          else at.log.debug(`pass, ${rule.constant}, ${rule.message}`);
          return verdict;
        }),
    };
  },
});

function parseRule(line: string): HostRule {
  const [, address = '', constant, message = ''] =
    /^\s*(\S+)(?:\s+(\S+)(?:\s+(.*\S))?)?\s*$/s.exec(line) ?? [];
  if (constant === undefined) throw new Error(`no constant such as DENY or DECLINED behind "${address}"`);
  if (!Object.hasOwn(codes, constant)) {
    throw new Error(`"${constant}" is none of ${Object.keys(codes).join(', ')}`);
  }
  return { network: parseNetwork(address), constant, message };
}

function verdictOf({ constant, message }: HostRule): Verdict {
  const code = codes[constant] ?? 'DECLINED';
  if (code === 'OK') return ok();
  return code === 'DECLINED' || code === 'DONE' ? declined : denial(code, message);
}

/** Rules of which the first that covers an address counts. A question costs one look-up for each prefix length. */
export class FirstMatch {
  readonly #places = new Map<string, number>();
  readonly #lengths = new Map<number, Set<number>>([
    [4, new Set()],
    [6, new Set()],
  ]);
  readonly #rules: readonly HostRule[];

  constructor(rules: readonly HostRule[]) {
    this.#rules = rules;
    for (const [place, { network }] of rules.entries()) {
      const key = keyOf(network);
      if (!this.#places.has(key)) this.#places.set(key, place);
      this.#lengths.get(network.family)?.add(network.bits);
    }
  }

  /** Null also for what is no address, such as the client of a local socket. @param ip without a zone */
  find(ip: string): HostRule | null {
    if (this.#rules.length === 0 || !isIP(ip)) return null;
    const { family } = parseNetwork(ip);
    let first = this.#rules.length;
    for (const bits of this.#lengths.get(family) ?? []) {
      first = Math.min(first, this.#places.get(keyOf(parseNetwork(`${ip}/${bits}`))) ?? first);
    }
    return this.#rules[first] ?? null;
  }
}

// Bits behind the length are zero already.
function keyOf({ words, bits }: Network): string {
  return `${words.join(':')}/${bits}`;
}
