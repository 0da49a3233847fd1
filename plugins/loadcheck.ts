// Takes no clients while the host is busy (qpsmtpd: plugins/loadcheck). Node knows the load average of every system
// that has one, without a program to ask.

import { loadavg } from 'node:os';
import { declined, definePlugin, denySoft, option, type Plugin } from 'qpsmtpd';

const options = {
  max_load: option.number({
    default: 7,
    min: 0.01,
    doc: 'load of the last minute above which clients are sent away',
  }),
  cache_time: option.number({ default: 10, min: 0, doc: 'seconds for which a load that was read counts' }),
  uptime: option.path({
    doc: 'taken from older configurations and not used: the system itself says its load',
  }),
};

/** @param load gives the load average of the last minute */
export function loadcheckPlugin(load: () => number): Plugin<typeof options> {
  return definePlugin({
    name: 'loadcheck',
    summary: 'sends clients away while the load is high',
    docs: `When a client connects while the system's load average of the last minute is above max_load, it is told to try again later
(450), and the connection ends. The load is read at most once in cache_time seconds. A load average counts processes,
so a fitting limit grows with the number of processors.

Put it at the top of config/plugins: work that is to be avoided should not be done before.

Example, in config/plugins: loadcheck max_load 12 cache_time 30

Log lines: "pass" and "fail" with the load.`,
    options,
    order: [
      {
        hook: 'connect',
        before: ['earlytalker', 'karma', 'fcrdns', 'dnsbl', 'dns_whitelist_soft', 'ident/geoip', 'ident/p0f'],
        otherwise: 'clients that are sent away for the load cost their work and time first',
      },
    ],
    setup({ options: { max_load, cache_time }, clock }) {
      let current = 0;
      let readAt = -Infinity;
      return {
        connect(at) {
          const now = clock.monotonic();
          if (now - readAt > cache_time * 1000) {
            current = load();
            readAt = now;
          }
          if (current > max_load) {
            at.log.error(`fail, local load too high: ${current.toFixed(2)}`);
            return denySoft('the load of this server is too high, try again later', '4.3.2');
          }
          at.log.debug(`pass, load ${current.toFixed(2)}`);
          return declined;
        },
      };
    },
  });
}

export default loadcheckPlugin(() => loadavg()[0] ?? 0);
