// Decides by address which clients may relay (qpsmtpd: plugins/relay). CIDR blocks include both of their ends
// and work in every list, and ::1 is a client like any other: both were otherwise there.

import {
  type AtSession,
  declined,
  definePlugin,
  deny,
  listFile,
  mapFile,
  type Network,
  NetworkList,
  ok,
  option,
  parseNetwork,
  remembered,
} from 'qpsmtpd';

const NETWORK = 'IP|PREFIX.|PREFIX:|IP/BITS';
const parse = (line: string): Network => parseNetwork(line.trim());

export default definePlugin({
  name: 'relay',
  summary: 'decides by address who may relay',
  docs: `A relay client may send mail to any recipient. This plugin makes a client one when it connects, and asks in this
order. A client in norelayclients is none, whatever comes behind. With RELAYCLIENT in the environment, which tcpserver
can set for a client, every other client is one, even if the variable is empty. Then come the file relayclients
and the database morerelayclients.cdb. A client may also become a relay client by logging in.

The files norelayclients and relayclients hold addresses (192.0.2.1, 2001:db8::1), prefixes that end in a dot or colon
(192.0.2., 2001:db8:), and networks (192.0.2.0/24, 2001:db8::/32). The keys of morerelayclients.cdb are
addresses and prefixes, in lower case; it is meant for long lists.
The server's own addresses 127.0.0.1 and ::1 may relay only if they are listed.

With only 1, no recipient at all is taken from other clients, not even one of this host: for a server that sends mail of
its users and receives none. The plugin then has to stand above all others that deal with recipients; for a
relay client it accepts each recipient, so that the others are not asked.

Example, in config/plugins: relay only 1

Log lines: "pass" with the place that made a relay client, "skip, no match", "fail" for a client in norelayclients, and
for a recipient that only refuses.`,
  options: {
    only: option.flag({ default: false, doc: 'take recipients from relay clients only' }),
  },
  files: {
    norelayclients: listFile({ form: NETWORK, doc: 'clients that must not relay', parse }),
    relayclients: listFile({ form: NETWORK, doc: 'clients that may relay', parse }),
    morerelayclients: mapFile({
      form: 'IP|PREFIX.|PREFIX:',
      doc: 'more clients that may relay, as keys; the values are not looked at',
    }),
  },
  sideEffects: false,
  setup({ options, files, env }) {
    const excluded = remembered((networks: readonly Network[]) => new NetworkList(networks));
    const included = remembered((networks: readonly Network[]) => new NetworkList(networks));

    /** what makes the client a relay client, or null */
    async function permission(at: AtSession): Promise<string | null> {
      const ip = at.connection.remoteIp;
      if (env['RELAYCLIENT'] !== undefined) return 'enabled by environment';
      if (included(await files.relayclients(at)).contains(ip)) return `${ip} in relayclients`;
      const more = await files.morerelayclients(at);
      const key = keysOf(ip).find((candidate) => more.has(candidate));
      return key === undefined ? null : `${ip} in morerelayclients as ${key}`;
    }

    return {
      async connect(at) {
        if (excluded(await files.norelayclients(at)).contains(at.connection.remoteIp)) {
          at.connection.relayClient = false;
          at.log.info('fail, disabled by norelayclients');
          return declined;
        }
        const reason = await permission(at);
        if (reason !== null) at.connection.relayClient = true;
        at.log.info(reason === null ? 'skip, no match' : `pass, ${reason}`);
        return declined;
      },
      rcpt: options.only ? onlyRelayClients : undefined,
    };
  },
});

function onlyRelayClients(at: AtSession) {
  if (at.connection.relayClient) return ok();
  at.log.info('fail, not a relay client');
  return deny(undefined, 'relayingDenied');
}

/** The keys of morerelayclients that cover an address: itself and its prefixes, the longest first. */
export function keysOf(ip: string): readonly string[] {
  const { family, words } = parseNetwork(ip.replace(/%.*$/, ''));
  return family === 4 ? keysOfIpv4(words[0] ?? 0) : keysOfIpv6(ip, words);
}

function keysOfIpv4(word: number): string[] {
  const octets = [24, 16, 8, 0].map((shift) => (word >>> shift) & 255);
  return [octets.join('.'), ...[3, 2, 1].map((count) => `${octets.slice(0, count).join('.')}.`)];
}

// As qpsmtpd does, an expanded address is cut digit by digit. Prefixes with short groups are looked for too.
function keysOfIpv6(ip: string, words: readonly number[]): string[] {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff].map((group) => group.toString(16)));
  const expanded = groups.map((group) => group.padStart(4, '0')).join(':');
  const digits = Array.from(expanded, (_, at) => expanded.slice(0, expanded.length - at));
  const short = [7, 6, 5, 4, 3, 2, 1].map((count) => `${groups.slice(0, count).join(':')}:`);
  return [...new Set([ip.toLowerCase(), groups.join(':'), ...digits, ...short])];
}
