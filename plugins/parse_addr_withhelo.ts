// Holds clients that said HELO to RFC 821, which knows no parameters behind the address of MAIL and RCPT
// (qpsmtpd: plugins/parse_addr_withhelo; there a RCPT TO:postmaster without brackets got lost).

import { type AtSession, answer, declined, definePlugin, deny, type EsmtpParams } from 'qpsmtpd';

const NO_PARAMS: EsmtpParams = new Map();
const KEYWORD = { mail: /^from:\s*/i, rcpt: /^to:\s*/i } as const;
// A quoted local part (RFC 821: quoted-string) may hold > and blanks.
const PATH = /^<(?:[^<>"]|"(?:[^"\\]|\\.)*")*>/s;
const WORD = /^\S+/;
const ROLE_WITHOUT_DOMAIN = /^(?:postmaster|abuse)$/i;

type Verb = keyof typeof KEYWORD;

export default definePlugin({
  name: 'parse_addr_withhelo',
  summary: 'allows no parameters of MAIL and RCPT after HELO',
  docs: `SIZE=, BODY= and other parameters of MAIL and RCPT belong to the extensions that EHLO tells of. A client that said
HELO has been told of none, and RFC 821 has no room for them. With this plugin such a client gets 501 for a
parameter; clients that said EHLO are not touched. Without the plugin, parameters are taken after HELO too.

Addresses without angle brackets are a matter of dont_require_anglebrackets, as always.

Example, in config/plugins: parse_addr_withhelo

Log lines: "fail" with the command that had a parameter.`,
  sideEffects: false,
  setup() {
    return {
      mail_parse: (at, argument) => parseForHelo(at, 'mail', argument),
      rcpt_parse: (at, argument) => parseForHelo(at, 'rcpt', argument),
    };
  },
});

function parseForHelo(at: AtSession, verb: Verb, argument: string) {
  if (at.connection.hello?.verb !== 'helo') return declined;
  if (!KEYWORD[verb].test(argument)) return deny('Syntax error in command', '5.5.2');
  const text = argument.replace(KEYWORD[verb], '').trimEnd();
  if (text === '' && verb === 'mail') return answer({ path: '<>', params: NO_PARAMS });
  const path = (text.startsWith('<') ? PATH : WORD).exec(text)?.[0];
  if (path === undefined || !isAddressLike(verb, path)) {
    return deny(`the address of ${verb.toUpperCase()} is malformed`, '5.5.2');
  }
  if (path.length < text.length) {
    at.log.info(`fail, ${verb.toUpperCase()} with a parameter after HELO`);
    return deny(`No parameters allowed in ${verb.toUpperCase()} after HELO`, '5.5.4');
  }
  return answer({ path, params: NO_PARAMS });
}

function isAddressLike(verb: Verb, path: string): boolean {
  return path.startsWith('<') || path.includes('@') || (verb === 'rcpt' && ROLE_WITHOUT_DOMAIN.test(path));
}
