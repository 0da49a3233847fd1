// Refuses, at the phase of the operator's choice, the connections that other plugins have marked with
// `reject naughty` (qpsmtpd: plugins/naughty).

import {
  type AtSession,
  codeOfRejectType,
  declined,
  definePlugin,
  denial,
  option,
  rejectTypes,
} from 'qpsmtpd';

const phases = ['connect', 'mail', 'rcpt', 'data', 'data_post', 'queue_post', 'hook_queue_post'] as const;

export default definePlugin({
  name: 'naughty',
  summary: 'refuses connections that other plugins have marked',
  docs: `A plugin whose line says reject naughty does not refuse by itself: it marks the connection and leaves the rest to
this one. So all of them refuse at the same point, plugins that cost much can pass over clients that are as good
as refused, and users whose address is on some list can still log in, which clears the mark.

The option reject names that point. With connect nobody gets as far as logging in; mail is the earliest phase
that leaves room for it. With rcpt the plugin has to stand above rcpt_ok, since a plugin that takes the recipient
ends the chain; with data it does not. Whatever phase is chosen, a connection that is still marked when a message has
been received is refused then (data_post). The exception is queue_post: there, nothing is refused,
for the client has had its answer; the mark is only written to the log. That serves to watch what would be
refused, or to train filters.

The client is told what the marking plugin had to say. How it is refused is the matter of that plugin's reject_type
where it has one, else of this plugin's.

Example, in config/plugins: naughty reject data reject_type temp

The notes naughty (the words for the client) and naughty_reject_type of the connection make the mark.

Log lines: "pass" when there is no mark, "fail" with the words for the client.`,
  options: {
    reject: option.oneOf(phases, {
      default: 'rcpt',
      doc: 'when to refuse; hook_queue_post is another word for queue_post',
    }),
    reject_type: option.oneOf(rejectTypes, {
      default: 'disconnect',
      doc: 'how to refuse where the plugin that made the mark does not say',
    }),
  },
  sideEffects: false,
  setup({ options }) {
    const refuse = (at: AtSession) => {
      const reason = reasonOf(at);
      if (reason === undefined) return declined;
      const wanted = at.connection.notes.get('naughty_reject_type');
      const type = rejectTypes.find((known) => known === wanted) ?? options.reject_type;
      return denial(codeOfRejectType[type], reason, '5.7.1');
    };
    const phase = options.reject;
    if (phase === 'queue_post' || phase === 'hook_queue_post')
      return { queue_post: (at) => void reasonOf(at) };
    return { [phase]: refuse, data_post: refuse };
  },
});

/** The words for the client, or undefined where there is no mark. Logs which. */
function reasonOf(at: AtSession): string | undefined {
  const reason = at.connection.notes.get('naughty');
  if (reason === undefined || reason === '') {
    at.log.info('pass');
    return undefined;
  }
  at.log.info(`fail, ${reason.replaceAll('\n', '; ')}`);
  return reason;
}
