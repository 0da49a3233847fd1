// Hands messages to qmail-queue by its interface: the message on descriptor 0, the envelope on descriptor 1, the
// answer as exit code (qmail-queue(8)). Follows qpsmtpd's plugins/queue/qmail-queue in argument and environment.

import {
  type AtEnvelope,
  definePlugin,
  denial,
  deny,
  denySoft,
  type Envelope,
  ok,
  option,
  type Verdict,
} from 'qpsmtpd';
import { type AddressForm, addressOctets, UnfitAddressError } from './_handed-address.ts';
import { decidesAll } from './_order.ts';
import { type ProgramEnd, runProgram, whyEnded } from './_program.ts';
import { absolutePath, requireProgram, runOptions } from './_program-option.ts';
import { CUSTOM_ERROR, customError, meaningOf } from './_qmail-codes.ts';
import { Turns } from './_turns.ts';

const DEFAULT_HOME = '/var/qmail';

export default definePlugin({
  name: 'queue/qmail-queue',
  summary: 'hands messages to qmail-queue',
  docs: `Hands every message to the program qmail-queue, or to one that takes its place. It is PATH, else bin/qmail-queue
below the folder of the environment variable QMAIL, else /var/qmail/bin/qmail-queue; the environment variable QMAILQUEUE
goes before all of them. The program runs without a shell, with the environment of the server.

Its exit code is the answer: 0 is 250, 11 to 40 and 115 refuse the message for good (5xx), all others for now (4xx). A
program that ends with 82 gives the words itself, in a line on descriptor 4 or 6 or on standard error: behind a D they
refuse for good, behind a Z for now. A program that was killed, that cannot be started, that does not read the message to its
end, or that takes longer than \`run_timeout\`, makes the client come again (452).

Lines end with LF, as qmail has them. When the client goes before qmail-queue has got the envelope, nothing is queued.

Local parts that need quotes in SMTP have them in the envelope too. qmail's own programs expect addresses without quotes
(addresses(5) of qmail): \`addresses plain\` is for them, and matters only where such addresses are in use.

Examples, in config/plugins:

queue/qmail-queue

queue/qmail-queue /var/qmail/bin/simscan

queue/qmail-queue addresses plain

Log lines: "pass" with the program, "fail" with exit code and meaning, "error" when the program cannot be run.`,
  options: {
    path: {
      ...option.text({ form: 'PATH', doc: 'the program; an absolute path' }),
      parse: absolutePath,
    },
    addresses: option.oneOf(['quoted', 'plain'], {
      default: 'quoted',
      doc: 'form of addresses in the envelope: with quotes where SMTP needs them, or as qmail has them',
    }),
    ...runOptions,
  },
  positional: ['path'],
  carries: ['SMTPUTF8'],
  handsOn: true,
  order: decidesAll,
  setup({ options, env }) {
    const home = env['QMAIL'] || DEFAULT_HOME;
    const path = absolutePath(env['QMAILQUEUE'] || options.path || `${home}/bin/qmail-queue`);
    requireProgram(path);
    const turns = new Turns(options.concurrency);
    const run = (at: AtEnvelope, envelope: Buffer) =>
      runProgram({
        path,
        args: [],
        env,
        input: at.transaction.content.inMemory('lf') ?? at.transaction.content.chunks('lf'),
        envelope,
        reports: true,
        timeoutMs: options.run_timeout * 1000,
        signal: at.signal,
      });
    return {
      async queue(at) {
        const envelope = envelopeOf(at, options.addresses);
        if (envelope === null) return deny('an address cannot be handed on', '5.1.3');
        const end = await turns.take(at.signal, () => run(at, envelope));
        return verdictOf(at, path, end);
      },
    };
  },
});

function verdictOf(at: AtEnvelope, path: string, end: ProgramEnd | null): Verdict {
  if (end === null) {
    at.log.notice('fail, given up before it was its turn');
    return denySoft('it took too long, try again later', '4.3.0');
  }
  if (end.code === 0 && end.isFed) {
    at.log.info(`pass, queued by ${path}`);
    return ok('queued');
  }
  if (end.failure !== null || end.code === null || end.code === 0) {
    const why = end.code === 0 ? 'ended before it had read the whole message' : whyEnded(end);
    at.log.error(`error, ${path} ${why}`);
    return denySoft('the message could not be queued, try again later', '4.3.0');
  }
  return refusal(at, path, end.code, end);
}

function refusal(at: AtEnvelope, path: string, code: number, end: ProgramEnd): Verdict {
  const custom = code === CUSTOM_ERROR ? (customError(end.report) ?? customError(end.stderr)) : null;
  if (custom !== null) {
    at.log.notice(`fail, ${path} ended with ${code}: ${custom.text}`);
    return denial(custom.isPermanent ? 'DENY' : 'DENYSOFT', custom.text, custom.status);
  }
  const { isPermanent, status, text } = meaningOf(code);
  const said = end.stderr === '' ? '' : ` (${end.stderr.split('\n')[0]})`;
  at.log.notice(`fail, ${path} ended with ${code}: ${text}${said}`);
  return denial(isPermanent ? 'DENY' : 'DENYSOFT', `qq ${text}`, status);
}

/** `F` and the sender, `T` and each recipient, each ended by NUL, and one more NUL; null where that cannot be said. */
function envelopeOf({ log, transaction }: AtEnvelope, form: AddressForm): Buffer | null {
  try {
    return envelopeOctets(transaction, form);
  } catch (error) {
    if (!(error instanceof UnfitAddressError)) throw error;
    log.error(`error, ${error.message}`);
    return null;
  }
}

function envelopeOctets({ sender, recipients }: Envelope, form: AddressForm): Buffer {
  const end = Buffer.alloc(1);
  const pieces = [Buffer.from('F'), addressOctets(sender, form), end];
  for (const each of recipients) pieces.push(Buffer.from('T'), addressOctets(each, form), end);
  return Buffer.concat([...pieces, end]);
}
