// Learns from an stunnel on this host who its clients are (qpsmtpd: plugins/stunnel). The PROXY line counts as the first
// thing of a connection only: qpsmtpd took it at any time, behind checks that had passed for 127.0.0.1.

import { declined, definePlugin, denySoft, disconnect, NetworkList, option } from 'qpsmtpd';

export default definePlugin({
  name: 'stunnel',
  summary: 'learns from a local stunnel who its clients are',
  docs: `For an stunnel that takes TLS clients on this host and hands them on in clear, with "protocol = proxy" in its
configuration. Connections from 127.0.0.1 and ::1 may then begin with a PROXY header (version 1, as stunnel writes it, or
version 2); it names the client, to whom all checks, limits and log lines apply from then on. Other local clients
send none: they wait for their greeting for about half a second.

A header that is malformed ends the connection, and so does a PROXY command that comes later, with 421. The header says
nothing of the TLS between client and stunnel, so the connection counts as unencrypted: with the file tls_before_auth there is
no login. A proxy that speaks version 2 can say more of TLS. For proxies that always send a header, and for those on
other hosts, no plugin is needed: name them in the file proxy_networks.

Notes of the connection behind a header: proxy (YES), protocol (TCP4 or TCP6), remote_ip, remote_port, local_ip and
local_port.

Example, in config/plugins: stunnel proxy on

Log lines: "pass" with address and port of the client, "fail" for a PROXY command in the middle of a connection.`,
  options: {
    proxy: option.flag({ default: false, doc: 'whether PROXY headers of this host count at all' }),
  },
  setup(host) {
    if (!host.options.proxy) return {};
    host.acceptProxyHeader({ networks: NetworkList.parse(['127.0.0.1', '::1']) });
    return {
      connect(at) {
        const { proxy, remoteIp, remotePort, localIp, localPort, notes } = at.connection;
        if (proxy?.by !== 'PROXY') return declined;
        notes.set('proxy', 'YES');
        notes.set('protocol', remoteIp.includes(':') ? 'TCP6' : 'TCP4');
        notes.set('remote_ip', remoteIp);
        notes.set('remote_port', remotePort);
        notes.set('local_ip', localIp);
        notes.set('local_port', localPort);
        at.log.info(`pass, ${remoteIp} port ${remotePort}`);
        return declined;
      },
      unrecognized_command(at, verb) {
        if (verb !== 'proxy') return declined;
        at.log.notice('fail, a PROXY command in the middle of the connection');
        return disconnect(denySoft('PROXY has to be the first line of a connection', '4.5.1'));
      },
    };
  },
});
