// A queue of its own: messages are taken at once and delivered later by another queue plugin, tried again for days if
// need be, and sent back when nothing helps. What qpsmtpd leaves to the mail server behind it.

import { resolve } from 'node:path';
import { type AtEnvelope, definePlugin, ok, option, SpoolQueue } from 'qpsmtpd';
import { decidesAll } from './_order.ts';
import { storageFailure } from './_storage-failure.ts';

const STOP_MS = 10_000;

export default definePlugin({
  name: 'queue/spool',
  summary: 'keeps messages and delivers them by another queue plugin',
  docs: `Takes every message at once, and delivers it by the plugin behind \`via\`, which is set up as if it stood on a line of
its own. A client gets its 250 when the message is on disk below DIR: written, synced, moved into the queue, and the folder
synced. When that fails, it is told to come again (452), and nothing is left behind.

Each recipient has a fate of its own, whatever becomes of the others. One that is refused for now is tried again after
\`retry\` seconds, then after twice as long each time, up to \`retry_max\`, each pause a little longer or shorter by chance.
One that is refused for good, or for longer than \`lifetime\`, is reported to the sender (RFC 3464), as far as he has not
forbidden it with NOTIFY; the report comes with the message, or with its header when it is big or RET says so. Reports
on success are sent where the plugin behind \`via\` does not pass that wish on. A message without sender, such as a
report, is never reported on: it is named in the log, and dropped or held as \`double_bounce\` says.

What was delivered is noted on disk before anything else is done, so that after a crash nobody gets a message twice but
who was just being sent it. One process at a time delivers from DIR; others add to it, and one of them takes over when
the first is gone. \`qpsmtpd queue\` shows the messages, holds, releases and deletes them, and has them tried at once,
also while the server runs.

Messages keep what they came with: SMTPUTF8, binary content and REQUIRETLS where the plugin behind \`via\` can carry
that, NOTIFY, RET, ENVID and ORCPT, and what is known of the client.

Examples, in config/plugins:

queue/spool /var/spool/qpsmtpd via queue/smtp-forward relay.example.org

queue/spool /var/spool/qpsmtpd lifetime 172800 concurrency 50 via queue/lmtp /var/run/dovecot/lmtp

Log lines: "pass" with the message's name when it is taken, when it is delivered, and when a report is sent; "skip" when
it is tried again later; "fail" for recipients who were refused; "error" when the disk is to blame.`,
  options: {
    dir: option.path({ required: true, doc: 'folder of the queue; on a disk that knows fsync' }),
    via: {
      ...option.text({
        required: true,
        form: 'PLUGIN [WORDS…]',
        doc: 'the queue plugin that delivers, with its words; the last of the line',
      }),
      rest: true,
    },
    concurrency: option.integer({
      default: 20,
      min: 1,
      max: 1000,
      doc: 'messages that are delivered at a time',
    }),
    retry: option.integer({ default: 300, min: 1, doc: 'seconds from the first attempt to the second' }),
    retry_max: option.integer({ default: 14_400, min: 1, doc: 'most seconds between two attempts' }),
    lifetime: option.integer({
      default: 432_000,
      min: 0,
      doc: 'seconds after which nothing is tried any more',
    }),
    attempt_timeout: option.integer({ default: 3600, min: 1, doc: 'seconds that one attempt may take' }),
    delay_warning: option.integer({
      default: 14_400,
      min: 0,
      doc: 'seconds after which senders who wish so (NOTIFY=DELAY) are told that their message is late; 0 = never',
    }),
    double_bounce: option.oneOf(['drop', 'hold'], {
      default: 'drop',
      doc: 'what becomes of a message without sender that cannot be delivered',
    }),
  },
  positional: ['dir'],
  carries: ['DSN'],
  check: ({ options: { dir } }, checkup) => checkup.writes(resolve(dir)),
  order: decidesAll,
  async setup(host) {
    const { options } = host;
    const settings = {
      dir: resolve(options.dir),
      plan: {
        firstMs: options.retry * 1000,
        mostMs: options.retry_max * 1000,
        lifetimeMs: options.lifetime * 1000,
      },
      limitMs: options.attempt_timeout * 1000,
      concurrency: options.concurrency,
      delayMs: options.delay_warning * 1000,
      doubleBounce: options.double_bounce,
    };
    const { clock, pid, log } = host;
    const me = () => host.configLines('me')[0] ?? host.hostname;
    const queue = new SpoolQueue(settings, await host.target(options.via), { clock, pid, log, me });
    host.onRetire(() => queue.runner.stop(STOP_MS));
    return {
      async queue(at: AtEnvelope) {
        try {
          const id = await queue.take(at, clock.now());
          at.log.info(`pass, queued as ${id}`);
          return ok(`queued as ${id}`);
        } catch (error) {
          return storageFailure(at, error);
        }
      },
      // Not in setup: there the server still has the rights it was started with, and may not be going to serve at all.
      'post-fork'() {
        queue.runner.start();
      },
    };
  },
});
