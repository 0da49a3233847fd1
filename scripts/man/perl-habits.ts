// What a Perl plugin of qpsmtpd is written with, and what takes its place. The right column is checked by the test of the
// page: each word in backticks that begins with `at.`, `host.`, or is a function, has to be in the tables of the page.

export const perlHabits: readonly (readonly [perl: string, here: string])[] = [
  [
    'sub init / register ($self, $qp, %args)',
    'function `setup`; its argument has `options`, already read and checked',
  ],
  [
    'sub hook_rcpt { my ($self, $transaction, $recipient, %params) = @_; ... }',
    'a key `rcpt` in the table that `setup` returns: `rcpt(at, recipient, params)`; dashes are kept, so the hook of `sub hook_auth_plain` is the key `auth-plain`',
  ],
  ["$self->register_hook('rcpt', 'check')", 'the same key; with a list of functions where there are several'],
  ['$self->register_hook(..., ..., 1) (unshift)', 'the form `{ first: handler }`'],
  [
    "$self->isa_plugin('rcpt_ok')",
    '`extends: "rcpt_ok"` in the definition, and `host.base` for its handlers',
  ],
  ['return DECLINED', '`declined`'],
  ["return (OK, 'text')", '`ok`, or `answer` where the hook asks for a value'],
  ["return (DENY, 'text'), DENYSOFT", '`deny`, `denySoft`'],
  ['DENY_DISCONNECT, DENYSOFT_DISCONNECT', '`disconnect(deny(...))`, `disconnect(denySoft(...))`'],
  ['return DONE after $self->qp->respond(250, ...)', '`done({ code: 250, lines: [...] })`'],
  ['Qpsmtpd::DSN->no_such_user', '`deny(undefined, "noSuchUser")`'],
  ['$self->get_reject($text)', '`at.reject`'],
  ['$self->is_immune', '`at.isImmune`'],
  ['$self->adjust_karma(-1)', '`at.adjustKarma`'],
  ['$self->qp->connection, $self->connection', '`at.connection`'],
  ['$transaction', '`at.transaction`'],
  [
    "$self->connection->notes('x', 1)",
    '`at.connection.notes.set("x", 1)`; declare the name first, see NOTES',
  ],
  [
    '$self->{x} = 1 (for all clients)',
    'a variable in `setup`: it lives as long as the configuration, in each worker',
  ],
  ['$self->{x} = 1 (one child, one client)', '`host.perConnection` or `host.perTransaction`'],
  [
    "$self->qp->config('me')",
    '`at.config("me")`, always a list; for files of your own `files` in the definition',
  ],
  ["$self->log(LOGINFO, 'pass')", '`at.log.info("pass")`; outside of a hook `host.log`'],
  [
    '$transaction->header->get("Subject")',
    '`at.transaction.header.get("Subject")`, unfolded and without line end',
  ],
  ['$transaction->body_getline', '`at.transaction.body.lines()`, with `for await`'],
  ['$transaction->body_filename', '`at.transaction.tempFile()` and `at.transaction.content.chunks("lf")`'],
  ['$transaction->add_recipient', '`at.transaction.addRecipient`'],
  ['$self->qp->connection->relay_client(1)', '`at.connection.relayClient = true`'],
  ['$ENV{RELAYCLIENT}', '`host.env["RELAYCLIENT"]`'],
  ['$self->get_resolver, init_resolver', '`host.dns`, with `await`, and `at.signal` as its `signal`'],
  ['$self->spool_dir, temp_file', '`at.transaction.tempFile()`'],
  [
    'sleep, waitpid, blocking sockets',
    'the same with `await`: a handler that blocks keeps all clients of its process waiting',
  ],
  ['sub hook_post_fork', 'the key `post-fork`: once in each process that serves'],
];
