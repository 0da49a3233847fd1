// STARTTLS, and TLS from the first octet on (qpsmtpd: plugins/tls). RFC 3207, RFC 8314 section 3. STARTTLS belongs to
// the connection: RSET and MAIL do not make the server forget that it was offered, as they did in qpsmtpd.

import {
  type AtSession,
  type Awaitable,
  declined,
  definePlugin,
  denySoft,
  disconnect,
  done,
  listFile,
  option,
  type Reply,
  remembered,
  type TlsFacts,
  type Verdict,
  whenReady,
} from 'qpsmtpd';
import { checkTls } from './_tls-check.ts';
import { HandshakeFailures } from './_tls-failures.ts';
import { defaultCiphers, isOutdated, parseCiphers, parseProtocols } from './_tls-protocols.ts';
import { prepare } from './_tls-settings.ts';

const reply = (code: number, status: Reply['status'], line: string): Reply => ({
  code,
  status,
  lines: [line],
});
const replies = {
  ready: reply(220, '2.0.0', 'go ahead with TLS'),
  argument: reply(501, '5.5.4', 'STARTTLS takes no argument'),
  already: reply(503, '5.5.1', 'TLS is on already'),
  loggedIn: reply(503, '5.5.1', 'TLS has to come before the login'),
  notNow: reply(454, '4.7.0', 'TLS is not available to you now, try again later'),
};

const options = {
  cert: option.path({ doc: 'certificate of the server (PEM), with those of its issuers behind it' }),
  key: option.path({ doc: 'private key of the certificate (PEM)' }),
  ca: option.path({ doc: 'certificates of the CAs that sign those of clients (PEM)' }),
  dhparam: option.path({
    doc: 'parameters for Diffie-Hellman (PEM); without them only elliptic curves are used',
  }),
  sni: option.path({ doc: 'folder with certificates for further names of the server' }),
  client_cert: option.oneOf(['none', 'ask', 'require'], {
    default: 'none',
    doc: 'whether clients are asked for a certificate, or get in with a verified one only',
  }),
  handshake_timeout: option.integer({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'seconds that a handshake may take',
  }),
  handshake_failures: option.integer({
    default: 100,
    min: 0,
    doc: 'failed handshakes in ten minutes after which a client gets no TLS for a while, 0 = any number',
  }),
};

const files = {
  tls_ciphers: listFile({
    form: 'CIPHERS',
    doc: `ciphers in the words of OpenSSL, one line; without it ${defaultCiphers}. Read at start`,
    parse: parseCiphers,
  }),
  tls_protocols: listFile({
    form: 'VERSION:…:!VERSION',
    doc: 'versions of TLS, one line, such as TLSv1.3 or SSLv23:!TLSv1_3; without it TLSv1.2 and TLSv1.3. Read at start',
    parse: parseProtocols,
    warn: (line) =>
      isOutdated(parseProtocols(line))
        ? 'versions below TLSv1.2 are broken: leave them out if you can'
        : null,
  }),
  tls_clients: listFile({
    form: 'FINGERPRINT [WORD…]',
    doc: 'certificates of clients that may relay, by their SHA-256 fingerprint; what follows is for you',
    parse: parseFingerprint,
  }),
};

export default definePlugin({
  name: 'tls',
  summary: 'encrypts connections with TLS',
  docs: `Offers STARTTLS to clients that say EHLO or LHLO. On port 465, and on addresses that are given as
--listen ADDR:PORT,tls, it does the handshake before the greeting. What a client has sent in clear behind STARTTLS is dropped.
A client whose handshake fails is disconnected.

Certificate and key are the files cert and key; cert holds the server's own certificate and behind it those of the
authorities that lead to a root. Where they are not named they are qpsmtpd-server.crt and qpsmtpd-server.key in ssl/ or
config/ssl/ of the working folder, or in ssl/ of a config folder; ca and dhparam are qpsmtpd-ca.crt and
qpsmtpd-dhparam.pem there, and may be missing. Other relative paths are looked for in the working folder, then in the config
folders. qpsmtpd tls-cert makes a certificate. One that cannot be read, or does not fit its key, keeps the server from
starting. Files that change are read again without a restart, at most once a second; what is no good is logged, and the
old certificate stays in use. So the user that the server runs as (--user) has to be able to read them.

With sni DIR, or a folder sni beside the default certificate, clients that ask for a name get the certificate of that name:
DIR/NAME.pem (certificate and key in one), DIR/NAME.crt with DIR/NAME.key, or DIR/NAME/fullchain.pem with
DIR/NAME/privkey.pem, as in certbot's folder live. A certificate for all names below a domain is named _wildcard.DOMAIN
or *.DOMAIN. All other clients get the certificate of the line.

With client_cert ask, clients are asked for a certificate of their own, and with require only those get in whose certificate
was signed by an authority of ca. A client whose fingerprint stands in tls_clients may relay, whoever
has signed it; openssl x509 -noout -fingerprint -sha256 -in FILE shows it.

Clients can resume their sessions with any worker and after a reload, by tickets whose keys change every twelve hours.
A session is not resumed where more is demanded of the client, or something else, than when it began.

Clients that fail in one handshake after the other are not offered TLS for the rest of ten minutes. Loopback addresses
and relay clients are, always.

TLS 1.2 and 1.3 are on. tls_protocols takes the words of qpsmtpd. TLSv1 and TLSv1.1 are used only where they are named, and
then at the security level 0 of OpenSSL; SSLv2 and SSLv3 cannot be had.

Examples, in config/plugins:

tls

tls /etc/ssl/mx.crt /etc/ssl/private/mx.key sni /etc/letsencrypt/live client_cert ask

Log lines: "pass" with version, cipher and what the client has shown; "fail" with the reason of a failed handshake;
"error" when a changed certificate is no good.`,
  options,
  positional: ['cert', 'key', 'ca', 'dhparam'],
  files,
  sideEffects: false,
  check: checkTls,
  setup(host) {
    const { clock } = host;
    const secure = prepare(host);
    const failures = new HandshakeFailures(host.options.handshake_failures, clock);
    const known = remembered((fingerprints: readonly string[]) => new Set(fingerprints));
    const offers = host.perConnection(() => ({ isMade: false }));
    const isBarred = ({ connection }: AtSession) =>
      !connection.relayClient && failures.hasTooMany(connection.remoteIp);

    /** Tells whether the client and the server now speak TLS. */
    async function shakeHands(at: AtSession, announcement?: Reply): Promise<boolean> {
      const { connection } = at;
      let facts: TlsFacts;
      try {
        facts = await connection.startTls(secure(), announcement);
      } catch (error) {
        if (!connection.relayClient) failures.add(connection.remoteIp);
        at.log.notice(`fail, TLS handshake: ${error instanceof Error ? error.message : error}`);
        return false;
      }
      failures.forgive(connection.remoteIp);
      connection.withdraw('STARTTLS');
      const isListed = await mayRelay(at, facts);
      if (isListed) connection.relayClient = true;
      at.log.info(`pass, ${describe(facts, isListed)}`);
      return true;
    }

    function mayRelay(at: AtSession, { clientCertificate }: TlsFacts): Awaitable<boolean> {
      if (clientCertificate === null) return false;
      return whenReady(host.files.tls_clients(at), (listed) =>
        known(listed).has(clientCertificate.fingerprint),
      );
    }

    return {
      connect: {
        first(at) {
          const { connection } = at;
          if (connection.tls !== null || !connection.service.tls) return declined;
          if (isBarred(at)) {
            at.log.notice('fail, too many failed handshakes');
            return disconnect(denySoft('too many failed handshakes', '4.7.0'));
          }
          return shakeHands(at).then((isSecure) => (isSecure ? declined : disconnect(denySoft())));
        },
      },
      ehlo(at) {
        const { connection } = at;
        if (connection.tls !== null || isBarred(at)) connection.withdraw('STARTTLS');
        else {
          connection.offer('STARTTLS');
          offers(connection).isMade = true;
        }
        return declined;
      },
      unrecognized_command(at, verb, argument) {
        if (verb !== 'starttls') return declined;
        const { connection } = at;
        if (connection.tls !== null) return done(replies.already);
        if (!offers(connection).isMade && !isBarred(at)) return declined;
        if (argument !== '') return done(replies.argument);
        if (connection.authentication?.passed) return done(replies.loggedIn);
        if (isBarred(at)) return done(replies.notNow);
        return shakeHands(at, replies.ready).then((): Verdict => done());
      },
    };
  },
});

/** @throws Error with a sentence for the operator */
function parseFingerprint(line: string): string {
  const [first = ''] = line.split(/\s+/, 1);
  const digits = first.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits))
    throw new Error(`"${first}" is not a SHA-256 fingerprint: 64 hexadecimal digits`);
  return digits.replace(/..(?!$)/g, '$&:');
}

function describe(
  { protocol, cipher, serverName, isResumed, clientCertificate }: TlsFacts,
  isListed: boolean,
): string {
  const parts = [`${protocol} ${cipher}`];
  if (isResumed) parts.push('resumed');
  if (serverName !== null) parts.push(`for ${serverName}`);
  if (clientCertificate !== null) {
    const { subject, fingerprint, problem } = clientCertificate;
    parts.push(`client ${subject} ${fingerprint} (${problem ?? 'verified'})`);
    if (isListed) parts.push('may relay');
  }
  return parts.join(', ');
}
