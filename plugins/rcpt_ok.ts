// Takes mail for the domains of this host, and mail to anywhere from relay clients (qpsmtpd: plugins/rcpt_ok;
// the files are those of qmail-smtpd). Whitelists do not let anybody relay here, as they did there.

import {
  type Address,
  type AtEnvelope,
  definePlugin,
  deny,
  isDomainOrLiteral,
  listFile,
  mapFile,
  ok,
  remembered,
  whenReady,
} from 'qpsmtpd';

export default definePlugin({
  name: 'rcpt_ok',
  summary: 'takes mail for the domains in rcpthosts',
  docs: `Accepts a recipient when its domain is this host's name (config/me), or stands in the file rcpthosts, or in the
database morercpthosts.cdb. Every other recipient is refused with "relaying denied", unless the client is a relay
client: one that the plugin relay knows, or that has logged in. Being on a whitelist does not make a relay client.

An entry that begins with a dot, .example.org, stands for all names below that domain, but not for the domain itself.
Case does not matter. Recipients postmaster and abuse without a domain belong to this host.

The plugin should be the last one in config/plugins that deals with recipients: it has the last word on each.

Example, in config/plugins: rcpt_ok

Log lines: "pass" with the domain and where it was found, "fail" with a domain that was not.`,
  files: {
    rcpthosts: listFile({
      form: 'DOMAIN|.DOMAIN',
      doc: 'domains to take mail for; with a leading dot, all names below one',
      parse: parseHost,
    }),
    morercpthosts: mapFile({
      form: 'DOMAIN|.DOMAIN',
      doc: 'more of them, as keys in lower case; the values are not looked at',
    }),
  },
  sideEffects: false,
  order: [
    {
      hook: 'rcpt',
      last: true,
      otherwise: 'it decides on each recipient, so they are never asked about one',
    },
  ],
  setup({ files }) {
    const indexOf = remembered((hosts: readonly string[]) => new Set(hosts));
    return {
      rcpt(at, recipient) {
        if (at.connection.relayClient) {
          at.log.info('pass, relay client');
          return ok();
        }
        return whenReady(at.config('me'), (me) => {
          const host = hostOf(recipient, me);
          if (host === undefined) return refuse(at, 'recipient without a domain');
          if (me.some((name) => name.toLowerCase() === host)) return accept(at, `${host} in me`);
          return whenReady(files.rcpthosts(at), (hosts) =>
            whenReady(files.morercpthosts(at), (more) => {
              const inHosts = entryFor(host, indexOf(hosts));
              if (inHosts !== undefined) return accept(at, `${host} in rcpthosts as ${inHosts}`);
              const inMore = entryFor(host, more);
              if (inMore !== undefined) return accept(at, `${host} in morercpthosts as ${inMore}`);
              return refuse(at, `${host} in neither rcpthosts nor morercpthosts`);
            }),
          );
        });
      },
    };
  },
});

function parseHost(line: string): string {
  const host = line.trim().toLowerCase();
  if (!isDomainOrLiteral(host.replace(/^\./, ''))) throw new Error(`"${line.trim()}" is not a domain`);
  return host;
}

// Address.parse lets nobody but postmaster and abuse go without a domain.
function hostOf(recipient: Address, me: readonly string[]): string | undefined {
  return (recipient.isNull ? undefined : recipient.asciiDomain || me[0])?.toLowerCase();
}

/** The entry that covers a host: the host itself, or the nearest domain above it with a leading dot. */
export function entryFor(host: string, entries: { has(key: string): boolean }): string | undefined {
  if (entries.has(host)) return host;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (entries.has(host.slice(dot))) return host.slice(dot);
  }
  return undefined;
}

function accept(at: AtEnvelope, why: string) {
  at.log.info(`pass, ${why}`);
  return ok();
}

function refuse(at: AtEnvelope, why: string) {
  at.log.info(`fail, ${why}`);
  return deny(undefined, 'relayingDenied');
}
