// Hands messages to a server by LMTP (RFC 2033), which answers for each recipient by itself: Dovecot, Cyrus, and
// other programs that keep mailboxes.

import { type AtEnvelope, definePlugin, option } from 'qpsmtpd';
import { connectionOptions, serverTarget } from './_connections.ts';
import { handOver, outgoingMessage } from './_forwarding.ts';
import { decidesAll } from './_order.ts';
import { readServers, ServerList } from './_servers.ts';

const LMTP_PORT = 24;

export default definePlugin({
  name: 'queue/lmtp',
  summary: 'hands messages to a server by LMTP',
  docs: `Hands every message to a server that speaks LMTP, on a unix socket or by TCP, and answers the client what that
server has answered. Of several servers, the next one is asked as with queue/smtp-forward.

An LMTP server answers for each recipient by itself. A client that takes an answer for each (LMTP, PRDR) gets them as they
are. Any other client hears one answer for all. A recipient that is refused before the message is sent refuses the message,
and nothing is sent. When the server takes the message for some recipients and not for others, the client hears the
refusal, one for good before one for now, so that the sender is told. If it sends the message again within a day, those who
have it do not get it a second time, unless the server was started anew meanwhile. The plugin queue/spool before this one
keeps account of each recipient for good.

Examples, in config/plugins:

queue/lmtp /var/run/dovecot/lmtp

queue/lmtp [::1]:2424

Log lines: "pass" with the server's answer, "fail" for each recipient that was refused, "error" when a server cannot be
reached, or has not answered to a message.`,
  options: {
    server: {
      ...option.text({
        required: true,
        form: 'PATH|HOST[:PORT][,…]',
        doc: 'unix socket or host, with port 24 where it is not said; several are tried in this order',
      }),
      parse(text: string) {
        readServers(text, LMTP_PORT, true);
        return text;
      },
    },
    ...connectionOptions,
  },
  positional: ['server'],
  carries: ['SMTPUTF8'],
  order: decidesAll,
  setup(host) {
    const protocol = { protocol: 'lmtp', tls: 'off', tlsOptions: {}, login: null } as const;
    const names = readServers(host.options.server, LMTP_PORT, true);
    const servers = new ServerList(
      names.map((server) => serverTarget(host, server, protocol)),
      host.clock,
    );
    return { queue: (at: AtEnvelope) => handOver(at, servers, outgoingMessage(at, null)) };
  },
});
