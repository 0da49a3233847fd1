// Hands messages to Exim as batched SMTP: commands and message on the standard input of `exim -bS`, complaints on its
// standard output. Follows qpsmtpd's plugins/queue/exim-bsmtp in its argument; unlike there, no temporary file is made,
// and what Exim refuses for now is refused for now (quirk 45).

import { type AtEnvelope, definePlugin, denial, deny, denySoft, ok, option, type Verdict } from 'qpsmtpd';
import { bsmtpCommands, bsmtpText, readComplaint } from './_bsmtp.ts';
import { UnfitAddressError } from './_handed-address.ts';
import { decidesAll } from './_order.ts';
import { type ProgramEnd, runProgram, whyEnded } from './_program.ts';
import { absolutePath, requireProgram, runOptions } from './_program-option.ts';
import { Turns } from './_turns.ts';

export default definePlugin({
  name: 'queue/exim-bsmtp',
  summary: 'hands messages to Exim as batched SMTP',
  docs: `Hands every message to Exim by \`exim -bS\` (or rsmtp, which is the same), without a shell and without a temporary
file. The user that the server runs as must stand in trusted_users of Exim's configuration; else Exim takes the mail, but
puts that user in the sender's place.

What Exim complains about is the answer: its codes 4xx refuse the message for now, 5xx for good, with Exim's words. A
\`defer\` in acl_not_smtp is 550 too, unless its message begins with an enhanced status code 4.x.x.
Batched SMTP knows no answer for a single recipient: where Exim refuses one, it refuses the message. Exim ending in any
other way than with 0, or taking longer than \`run_timeout\`, makes the client come again (452). When the client goes before
Exim has got the whole message, nothing is queued.

Lines end with LF. Exim itself takes a bare CR for the end of a line.

Example, in config/plugins:

queue/exim-bsmtp exim_path /usr/sbin/exim4

Log lines: "pass", "fail" with Exim's complaint, "error" when Exim cannot be run or ends without a word.`,
  options: {
    exim_path: {
      ...option.path({ default: '/usr/sbin/rsmtp', doc: 'the program, which is given the argument -bS' }),
      parse: absolutePath,
    },
    ...runOptions,
  },
  handsOn: true,
  order: decidesAll,
  setup({ options, env, configLines, hostname }) {
    const path = options.exim_path;
    requireProgram(path);
    const turns = new Turns(options.concurrency);
    const run = (at: AtEnvelope, commands: Buffer) =>
      runProgram({
        path,
        args: ['-bS'],
        env,
        input: bsmtpText(commands, at.transaction.content),
        timeoutMs: options.run_timeout * 1000,
        signal: at.signal,
      });
    return {
      async queue(at) {
        const commands = commandsOf(at, configLines('me')[0] ?? hostname);
        if (commands === null) return deny('an address cannot be handed on', '5.1.3');
        const end = await turns.take(at.signal, () => run(at, commands));
        return verdictOf(at, path, end);
      },
    };
  },
});

function commandsOf({ log, transaction }: AtEnvelope, me: string): Buffer | null {
  try {
    return bsmtpCommands(me, transaction);
  } catch (error) {
    if (!(error instanceof UnfitAddressError)) throw error;
    log.error(`error, ${error.message}`);
    return null;
  }
}

function verdictOf(at: AtEnvelope, path: string, end: ProgramEnd | null): Verdict {
  if (end === null) {
    at.log.notice('fail, given up before it was its turn');
    return denySoft('it took too long, try again later', '4.3.0');
  }
  const complaint = readComplaint(end.stdout);
  if (complaint !== null) {
    const { isPermanent, code, status, text } = complaint;
    at.log.notice(`fail, ${path}: ${code} ${text}`);
    return denial(isPermanent ? 'DENY' : 'DENYSOFT', text, status);
  }
  if (end.code === 0 && end.isFed) {
    at.log.info(`pass, queued by ${path}`);
    return ok('queued');
  }
  const why = end.code === 0 ? 'ended before it had read the whole message' : whyEnded(end);
  const said = end.stderr.trim().replace(/\s+/g, ' ');
  at.log.error(`error, ${path} ${why}${said === '' ? '' : `: ${said}`}`);
  return denySoft('the message could not be queued, try again later', '4.3.0');
}
