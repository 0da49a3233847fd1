// Names of the hooks with their kind and when they run, in qpsmtpd's order. What their handlers are given and
// give back stands in hooks.ts.

export type HookKind = 'decide' | 'ask' | 'watch';

interface HookFacts {
  readonly kind: HookKind;
  /** when it runs, for the manual */
  readonly doc: string;
}

/** Every hook in qpsmtpd's order. */
export const hookFacts = {
  logging: { kind: 'watch', doc: 'for every log entry; synchronous, and may not log itself' },
  config: { kind: 'ask', doc: 'when a config file is looked up; answer with its lines' },
  user_config: { kind: 'ask', doc: 'when a config file is looked up for one recipient or sender' },
  'post-fork': { kind: 'watch', doc: 'once in every process that serves clients, when it is ready to' },
  'pre-connection': { kind: 'decide', doc: 'a client has connected, nothing is known but the addresses' },
  connect: { kind: 'decide', doc: 'before the greeting' },
  ehlo_parse: { kind: 'ask', doc: 'to read the argument of EHLO in another way' },
  ehlo: { kind: 'decide', doc: 'EHLO' },
  helo_parse: { kind: 'ask', doc: 'to read the argument of HELO in another way' },
  helo: { kind: 'decide', doc: 'HELO' },
  auth_parse: { kind: 'ask', doc: 'to read the argument of AUTH in another way' },
  auth: { kind: 'decide', doc: 'a login by any mechanism' },
  'auth-plain': { kind: 'decide', doc: 'a login by AUTH PLAIN' },
  'auth-login': { kind: 'decide', doc: 'a login by AUTH LOGIN' },
  'auth-cram-md5': { kind: 'decide', doc: 'a login by AUTH CRAM-MD5' },
  'auth-scram-sha-256': { kind: 'ask', doc: 'a login by AUTH SCRAM-SHA-256 begins; answer with the secret' },
  'auth-xoauth2': { kind: 'decide', doc: 'a login by AUTH XOAUTH2' },
  'auth-oauthbearer': { kind: 'decide', doc: 'a login by AUTH OAUTHBEARER' },
  rcpt_parse: { kind: 'ask', doc: 'to read the argument of RCPT in another way' },
  rcpt_pre: { kind: 'ask', doc: 'may give another path in place of the one in RCPT' },
  rcpt: { kind: 'decide', doc: 'RCPT; only OK takes the recipient' },
  mail_parse: { kind: 'ask', doc: 'to read the argument of MAIL in another way' },
  mail: { kind: 'decide', doc: 'MAIL' },
  mail_pre: { kind: 'ask', doc: 'may give another path in place of the one in MAIL' },
  data: { kind: 'decide', doc: 'DATA, before anything else is checked' },
  data_headers_end: { kind: 'decide', doc: 'the header of the message has been read' },
  data_post_headers: { kind: 'decide', doc: 'the message has been read, no trace field is added yet' },
  data_post: { kind: 'decide', doc: 'the message with its trace fields; the place of content filters' },
  queue_pre: { kind: 'decide', doc: 'before the queue hooks' },
  queue: { kind: 'decide', doc: 'take responsibility for the message; OK makes the client forget it' },
  queue_post: { kind: 'watch', doc: 'after the client has its answer to the message' },
  vrfy: { kind: 'decide', doc: 'VRFY' },
  noop: { kind: 'decide', doc: 'NOOP' },
  quit: { kind: 'decide', doc: 'QUIT' },
  reset_transaction: { kind: 'watch', doc: 'a transaction ends, whatever has become of it' },
  disconnect: { kind: 'watch', doc: 'the client is about to be gone, or is' },
  'post-connection': { kind: 'watch', doc: 'the connection is closed' },
  unrecognized_command: { kind: 'decide', doc: 'a command that the core does not know' },
  deny: { kind: 'watch', doc: 'after a handler has refused' },
  ok: { kind: 'watch', doc: 'after a handler has answered and did not refuse' },
  received_line: { kind: 'ask', doc: 'may give the text of the Received field' },
  help: { kind: 'decide', doc: 'HELP' },
} as const satisfies Record<string, HookFacts>;

export type HookName = keyof typeof hookFacts;

export const hookNames = Object.keys(hookFacts) as readonly HookName[];

export function isHookName(name: string): name is HookName {
  return Object.hasOwn(hookFacts, name);
}
