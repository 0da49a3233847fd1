// Hands messages to a command: its words are given to the system as they are, without a shell. Follows Postfix's pipe(8)
// in its flags and in reading sysexits(3).

import type { FileHandle } from 'node:fs/promises';
import {
  type Address,
  type AtEnvelope,
  definePlugin,
  denial,
  deny,
  denySoft,
  type Host,
  OptionError,
  ok,
  option,
  printable,
  type Verdict,
} from 'qpsmtpd';
import { addressText, UnfitAddressError } from './_handed-address.ts';
import { decidesAll } from './_order.ts';
import { argumentsOf, type Command, OptionLikeError, readCommand } from './_pipe-command.ts';
import { inputFile } from './_pipe-input.ts';
import { type ProgramEnd, runProgram, whyEnded } from './_program.ts';
import { absolutePath, requireProgram, runOptions } from './_program-option.ts';
import { exitMeaning } from './_sysexits.ts';
import { Turns } from './_turns.ts';

const options = {
  command: {
    ...option.words({ form: 'COMMAND [ARG…]', doc: 'the program, by absolute path, and its arguments' }),
    required: true,
    parse(text: string) {
      readCommand(text);
      return [text];
    },
  },
  flags: {
    ...option.text({
      default: '',
      form: 'DFR',
      doc: 'lines to put on top: Delivered-To, From_, Return-Path',
    }),
    parse(text: string) {
      if (!/^[DFR]*$/.test(text)) throw new OptionError(`"${text}" holds something else than D, F and R`);
      return text;
    },
  },
  line_ends: option.oneOf(['lf', 'crlf'], { default: 'lf', doc: 'how lines of the message end' }),
  null_sender: option.text({ default: '', form: 'WORD', doc: 'what stands for the sender of a bounce' }),
  folder: {
    ...option.text({ default: '/', form: 'PATH', doc: 'where the command is run' }),
    parse: absolutePath,
  },
  ...runOptions,
};

export default definePlugin({
  name: 'queue/pipe',
  summary: 'hands messages to a command',
  docs: `Runs COMMAND with its arguments for every message, without a shell, with the environment of the server, and with
the message, in a file, on standard input. Options come before COMMAND. An argument with blanks is written in single quotes.

In arguments, \${sender}, \${recipient}, \${user} and \${domain} (of the recipient), \${size} (octets), \${client_address},
\${client_hostname}, \${client_helo} and \${sasl_username} stand for the facts of the message; \${recipients}, which must be a
word of its own, becomes one argument for each recipient. Addresses have quotes where SMTP needs them; \${user} has none.
A command with \${recipient}, \${user} or \${domain} is run for each recipient, any other once for the message. A value stays
one argument whatever is in it. Where an argument begins with one of these, and its value with a -, which the
command would read as an option, the recipient or message is refused, unless a word -- stands before it.

With the flag R, a line Return-Path stands on top; with D, which needs a command for one recipient, a line Delivered-To,
and a recipient who has such a line in the message already is refused as a loop; with F, an mbox line From.

The exit code is read by sysexits(3) and qmail-command(8): 0 is 250; 64 to 70, 72, 73, 76 to 78 and 100 refuse for good, 67
with 5.1.1; 71, 74, 75 and 111 refuse for now. Any other code, a signal, or a command that takes longer than
\`run_timeout\` makes the client come again: such a program is broken. Beside a code that refuses, the first line on standard
output is what the client hears, with an enhanced status code in front where it has one; standard error goes to the log
only. At the end of its time, or when the client goes, the command and all it has started get SIGTERM, and SIGKILL two
seconds later.

A client that takes an answer for each recipient (LMTP, PRDR) gets them. Any other hears one for all: a refusal, when the
command has refused for any of the recipients, one for good before one for now. The server remembers for a day who has the
message nevertheless: when it comes again, it is not delivered there twice. The plugin queue/spool before this one keeps
account of each recipient for good.

Examples, in config/plugins:

queue/pipe flags DR /usr/lib/dovecot/dovecot-lda -f \${sender} -d \${recipient}

queue/pipe concurrency 5 /usr/sbin/sendmail -i -f \${sender} -- \${recipients}

Log lines: "pass" and "fail" for each run with recipient and exit code, "error" when the command is broken or cannot be
run.`,
  options,
  positional: ['command'],
  carries: ['SMTPUTF8'],
  order: decidesAll,
  setup(host: Host<typeof options>) {
    const command = readCommand(host.options.command.join(' '));
    if (host.options.flags.includes('D') && !command.isPerRecipient) {
      throw new OptionError(`flag D is for a command with \${recipient}, \${user} or \${domain}`);
    }
    requireProgram(command.path);
    const pipe = new Pipe(host, command);
    return { queue: (at: AtEnvelope) => pipe.queue(at) };
  },
});

class Pipe {
  readonly #host: Host<typeof options>;
  readonly #command: Command;
  readonly #turns: Turns;

  constructor(host: Host<typeof options>, command: Command) {
    this.#host = host;
    this.#command = command;
    this.#turns = new Turns(host.options.concurrency);
  }

  async queue(at: AtEnvelope): Promise<Verdict> {
    if (!this.#command.isPerRecipient) return this.#deliver(at, undefined);
    const { recipients } = at.transaction;
    const verdicts = await Promise.all(recipients.map((each) => this.#deliver(at, each)));
    for (const [index, recipient] of recipients.entries()) {
      const verdict = verdicts[index];
      if (verdict !== undefined) at.transaction.answerRecipient(recipient, verdict);
    }
    const taken = verdicts.find(({ code }) => code === 'OK');
    if (taken !== undefined && at.transaction.answersEach) return taken;
    // One recipient that is refused for good refuses the message: the sender then hears of it at once.
    const refused =
      verdicts.find(({ code }) => code === 'DENY') ?? verdicts.find(({ code }) => code !== 'OK');
    return refused ?? taken ?? denySoft();
  }

  async #deliver(at: AtEnvelope, recipient: Address | undefined): Promise<Verdict> {
    const to = recipient === undefined ? '' : ` for ${recipient.path}`;
    if (recipient !== undefined && this.#isLoop(at, recipient)) {
      at.log.notice(`fail${to}: it has been delivered before`);
      return deny('mail loop found', '5.4.6');
    }
    let args: readonly string[];
    try {
      args = argumentsOf(this.#command, at, recipient, this.#host.options.null_sender);
    } catch (error) {
      return refusedArgument(at, to, error);
    }
    const end = await this.#turns.take(at.signal, () => this.#run(at, recipient, args));
    if (end === null || !('code' in end)) {
      const why = end === null ? 'given up before it was its turn' : `cannot write its input: ${end.reason}`;
      at.log[end === null ? 'notice' : 'error'](`${end === null ? 'fail' : 'error'}${to}: ${why}`);
      return denySoft(
        'the message cannot be handed on now, try again later',
        end?.isFull ? '4.3.1' : '4.3.0',
      );
    }
    return this.#verdict(at, to, end);
  }

  async #run(at: AtEnvelope, recipient: Address | undefined, args: readonly string[]) {
    const { options, env } = this.#host;
    const { transaction, signal } = at;
    let file: FileHandle;
    try {
      const head = this.#head(at, recipient);
      file = await inputFile(transaction.tempFile(), head, transaction.content, options.line_ends);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      return {
        reason: error instanceof Error ? error.message : '',
        isFull: /^(?:ENOSPC|EDQUOT)$/.test(code),
      };
    }
    try {
      const { path } = this.#command;
      const timeoutMs = options.run_timeout * 1000;
      return await runProgram({ path, args, env, folder: options.folder, input: file.fd, timeoutMs, signal });
    } finally {
      await file.close();
    }
  }

  #verdict(at: AtEnvelope, to: string, end: ProgramEnd): Verdict {
    const { path } = this.#command;
    if (end.code === 0) {
      at.log.info(`pass${to}, taken by ${path}`);
      return ok('taken');
    }
    const meaning = end.code === null ? null : exitMeaning(end.code);
    const stderr = end.stderr.trim().replace(/\s+/g, ' ');
    const said = stderr === '' ? '' : `: ${stderr}`;
    if (meaning === null || end.failure !== null) {
      at.log.error(`error${to}, ${path} ${whyEnded(end)}${said}`);
      return denySoft('the message cannot be handed on now, try again later', '4.3.0');
    }
    const words = firstLine(end.stdout);
    const [, own, text = words] = /^([45]\.\d{1,3}\.\d{1,3})(?: +(.*))?$/.exec(words) ?? [];
    const status = own?.[0] === meaning.status[0] ? (own as typeof meaning.status) : meaning.status;
    at.log.notice(`fail${to}, ${path} ended with ${end.code}: ${words || meaning.text}${said}`);
    return denial(meaning.isPermanent ? 'DENY' : 'DENYSOFT', text || meaning.text, status);
  }

  #isLoop({ transaction }: AtEnvelope, recipient: Address): boolean {
    if (!this.#host.options.flags.includes('D')) return false;
    // The header is kept one octet a character.
    const address = Buffer.from(recipient.toString(), 'utf8').toString('latin1').toLowerCase();
    return transaction.header.all('Delivered-To').some((value) => value.toLowerCase() === address);
  }

  #head({ transaction }: AtEnvelope, recipient: Address | undefined): Buffer {
    const { flags, line_ends } = this.#host.options;
    const sender = addressText(transaction.sender, 'quoted');
    const lines: string[] = [];
    if (flags.includes('F')) lines.push(`From ${mboxWord(sender)} ${asctime(this.#host.clock.now())}`);
    if (flags.includes('R')) lines.push(`Return-Path: <${sender}>`);
    if (flags.includes('D') && recipient !== undefined) {
      lines.push(`Delivered-To: ${addressText(recipient, 'quoted')}`);
    }
    return Buffer.from(lines.map((line) => line + (line_ends === 'lf' ? '\n' : '\r\n')).join(''));
  }
}

function refusedArgument(at: AtEnvelope, to: string, error: unknown): Verdict<'DENY'> {
  if (!(error instanceof OptionLikeError) && !(error instanceof UnfitAddressError)) throw error;
  at.log.notice(`fail${to}: ${error.message}`);
  const isRecipient = !(error instanceof OptionLikeError) || error.isRecipient;
  return deny('this address cannot be handed on', isRecipient ? '5.1.3' : '5.1.7');
}

function firstLine(said: string): string {
  const line = said.split(/\r?\n/).find((each) => each.trim() !== '') ?? '';
  return printable(line.trim()).slice(0, 400);
}

/** `Thu Jan  1 00:00:00 1970`, in UTC */
function asctime(date: Date): string {
  const [, day = '', month = '', year = '', time = ''] =
    /, (\d\d) (\w{3}) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? [];
  return `${date.toUTCString().slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`;
}

// mbox(5): the word ends at the first blank.
function mboxWord(sender: string): string {
  return sender === '' ? 'MAILER-DAEMON' : sender.replace(/\s/g, '-');
}
