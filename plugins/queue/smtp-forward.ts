// Hands messages to another server by SMTP. Follows qpsmtpd's plugins/queue/smtp-forward in its arguments; beyond
// it: connections kept, TLS, login, several servers, and answers handed on as they were given.

import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import {
  type AtEnvelope,
  type ClientSettings,
  definePlugin,
  encodeXtext,
  OptionError,
  type OptionValues,
  option,
  type ServerLogin,
} from 'qpsmtpd';
import { connectionOptions, serverTarget } from './_connections.ts';
import { handOver, outgoingMessage } from './_forwarding.ts';
import { decidesAll } from './_order.ts';
import { readServers, ServerList, type ServerName } from './_servers.ts';

const SMTP_PORT = 25;

const options = {
  host: {
    ...option.text({
      required: true,
      form: 'HOST[,HOST…]',
      doc: 'servers, tried in this order; each may have a :PORT',
    }),
    parse(text: string) {
      readServers(text, SMTP_PORT);
      return text;
    },
  },
  port: option.integer({ default: SMTP_PORT, min: 1, max: 65_535, doc: 'port of servers without one' }),
  flag: option.oneOf(['', 'xclient'], {
    default: '',
    doc: 'xclient: tells the next server of the client by XCLIENT, which it must offer',
  }),
  tls: option.oneOf(['off', 'try', 'require', 'implicit'], {
    default: 'off',
    doc: 'try: STARTTLS when it is offered, whoever the server is, and in clear when that fails; require: STARTTLS with a certificate that is good for its name; implicit: the same from the first octet on',
  }),
  tls_ca: option.text({
    default: '',
    form: 'PATH',
    doc: 'certificates of authorities to trust in place of the known ones',
  }),
  tls_name: option.text({
    default: '',
    form: 'HOST',
    doc: "the name that a server's certificate must have, in place of its own",
  }),
  tls_verify: option.flag({ default: true, doc: 'whether require and implicit look at the certificate' }),
  login: option.text({ default: '', form: 'PATH', doc: 'a file with USER:PASSWORD in its first line' }),
  ...connectionOptions,
};

export default definePlugin({
  name: 'queue/smtp-forward',
  summary: 'hands messages to another server by SMTP',
  docs: `Hands every message to the server HOST, and answers the client what that server has answered: its codes, its
enhanced status codes, its words. What the server has against us (its greeting, TLS, the login) is 451, and stands in the log.

With several servers, the next is asked when one cannot be reached or refuses the message for now; never when the message
has been sent whole and its answer is missing, as it might then be delivered twice: the client hears 451. A server that
could not be reached is asked last for a minute.

A recipient that the server refuses, where it takes others of the same message: a client that takes an answer for each
recipient (LMTP, PRDR) gets them; for any other the whole message is refused with that answer, and nothing is sent.

A client that leaves before its message has been sent on ends that; the answer to one that has been sent is waited for.

What the server offers is used: PIPELINING, SIZE, 8BITMIME, CHUNKING, DSN, SMTPUTF8, MT-PRIORITY. A message that needs
SMTPUTF8, BINARYMIME or REQUIRETLS is refused where the server does not offer that; REQUIRETLS also wants a certificate that
is good for the server's name. A message with 8-bit octets goes to a server without 8BITMIME as it is. To a server without
DSN go no wishes for delivery reports: whether there will be some is then its own affair.

A login is by PLAIN, LOGIN or CRAM-MD5. Without TLS, and not on the same machine, it is by CRAM-MD5 alone.

Examples, in config/plugins:

queue/smtp-forward 10.2.2.2

queue/smtp-forward mx1.example.org,mx2.example.org 2525 tls require login /etc/qpsmtpd/forward-login

queue/smtp-forward 10.2.2.2 9025 xclient

Log lines: "pass" with the server's answer, "fail" for each recipient that was refused, "error" when a server cannot be
reached, or has not answered to a message.`,
  options,
  positional: ['host', 'port', 'flag'],
  carries: ['SMTPUTF8', 'DSN', 'REQUIRETLS', 'MT-PRIORITY'],
  handsOn: true,
  check({ options: { login, tls_ca } }, checkup) {
    if (login !== '') checkup.readsSecret(resolve(login));
    if (tls_ca !== '') checkup.reads(resolve(tls_ca));
  },
  order: decidesAll,
  setup(host) {
    const { options: given } = host;
    const login = given.login === '' ? null : readLogin(given.login);
    const tls = tlsSettings(given);
    const targets = readServers(given.host, given.port).map((server) =>
      serverTarget(host, server, { protocol: 'smtp', login, tls: given.tls, tlsOptions: tls(server) }),
    );
    const servers = new ServerList(targets, host.clock);
    const queue = (at: AtEnvelope) =>
      handOver(at, servers, outgoingMessage(at, given.flag === '' ? null : clientFacts(at)));
    return { queue };
  },
});

function tlsSettings(
  given: OptionValues<typeof options>,
): (server: ServerName) => ClientSettings['tlsOptions'] {
  if (given.tls === 'off') return () => ({});
  const secureContext = given.tls_ca === '' ? null : createSecureContext({ ca: readPlainFile(given.tls_ca) });
  const rejectUnauthorized = given.tls_verify && given.tls !== 'try';
  return (server) => {
    const host = given.tls_name || ('host' in server ? server.host : '');
    // An address is no name that a server could be asked for (RFC 6066 section 3).
    const servername = isIP(host) === 0 ? host : '';
    return { host, servername, rejectUnauthorized, ...(secureContext !== null && { secureContext }) };
  };
}

/** @throws Error where there is none: reading a pipe would wait for its other end */
function readPlainFile(path: string): Buffer {
  if (!statSync(path).isFile()) throw new OptionError(`${path} is not a plain file`);
  return readFileSync(path);
}

function readLogin(path: string): ServerLogin {
  const [first = ''] = readPlainFile(path).toString('utf8').split(/\r?\n/);
  const colon = first.indexOf(':');
  if (colon < 1) throw new OptionError(`${path}: the first line must be USER:PASSWORD`);
  return { user: first.slice(0, colon), password: first.slice(colon + 1) };
}

/** What XCLIENT tells, as in qpsmtpd. */
function clientFacts({ connection }: AtEnvelope): ReadonlyMap<string, string> {
  const { remoteHost, remoteIp, remotePort, hello } = connection;
  const isEsmtp = hello !== null && hello.verb !== 'helo';
  return new Map([
    ['NAME', remoteHost === 'Unknown' ? '[UNAVAILABLE]' : xtext(remoteHost)],
    ['ADDR', remoteIp.includes(':') ? `IPV6:${remoteIp}` : remoteIp],
    ['PORT', String(remotePort)],
    ['HELO', hello === null ? '[UNAVAILABLE]' : xtext(hello.host)],
    ['PROTO', isEsmtp ? 'ESMTP' : 'SMTP'],
  ]);
}

function xtext(text: string): string {
  return encodeXtext(Buffer.from(text, 'utf8').toString('latin1'));
}
