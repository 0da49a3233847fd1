// Whole conversations, SMTP and LMTP: in one piece, and cut into random chunks with and without waiting for the
// answers.

import assert from 'node:assert/strict';
import * as api from '../../src/api.ts';
import { Stage } from '../../src/cli/transcript/stage.ts';
import type { Envelope } from '../../src/contract/connection.ts';
import { definePlugin } from '../../src/contract/plugin.ts';
import { declined, deny, ok } from '../../src/contract/verdict.ts';
import { TestWire } from '../session/support.ts';
import { Mutator } from './support/mutator.ts';
import { cut, Random, seedOf } from './support/random.ts';
import { followConversation } from './support/reply-model.ts';
import type { Fuzzer, Target } from './support/target.ts';

const plainLogin = Buffer.from('\0user\0password').toString('base64');

const seeds = [
  'EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nSubject: x\r\n\r\n..b\r\n.\r\nQUIT\r\n',
  'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nRSET\r\nNOOP\r\nDATA\r\n.\r\n',
  'EHLO c\r\nMAIL FROM:<a@a.example> BODY=BINARYMIME\r\nRCPT TO:<b@b.example>\r\nBDAT 12\r\nSubject: x\r\nBDAT 3 LAST\r\n\r\nb',
  'EHLO c\r\nMAIL FROM:<a@a> PRDR SIZE=9\r\nRCPT TO:<b@b>\r\nRCPT TO:<deny@b>\r\nRCPT TO:<no@b>\r\nDATA\r\na:b\r\n\r\n.\r\nVRFY x\r\n',
  `EHLO c\r\nAUTH PLAIN ${plainLogin}\r\nAUTH LOGIN\r\ndXNlcg==\r\ncGFzc3dvcmQ=\r\nMAIL FROM:<a@a> AUTH=<>\r\n`,
  'EHLO c\r\nAUTH CRAM-MD5\r\n*\r\nAUTH SCRAM-SHA-256 biwsbj11c2VyLHI9YWJj\r\nYz1iaXdz\r\nHELP\r\n',
  'LHLO c\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nRCPT TO:<deny@b>\r\nDATA\r\na:b\r\n\r\nc\r\n.\r\nBDAT 2 LAST\r\nxxQUIT\r\n',
  'LHLO c\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\nBDAT 5 LAST\r\na:b\r\nRSET\r\nDATA\r\n',
  'EHLO c\nMAIL FROM:<a@a> SMTPUTF8\nRCPT TO:<\xc3\xbc@b> NOTIFY=NEVER\nDATA\nbody\n.\r\nQUIT\n',
];
const tokens = [
  ...[
    'EHLO c\r\n',
    'LHLO c\r\n',
    'HELO c\r\n',
    'MAIL FROM:<a@a>\r\n',
    'RCPT TO:<b@b>\r\n',
    'DATA\r\n',
    '.\r\n',
    'RSET\r\n',
  ],
  ...[
    'QUIT\r\n',
    'NOOP\r\n',
    'VRFY\r\n',
    'BDAT 0 LAST\r\n',
    'BDAT 7\r\nRSET\r\n\r',
    'BDAT 3 LAST\r\nabc',
    'BDAT ',
    '\r\n',
  ],
  ...[
    'AUTH PLAIN\r\n',
    'AUTH LOGIN\r\n',
    `AUTH PLAIN ${plainLogin}\r\n`,
    '=\r\n',
    '*\r\n',
    'dXNlcg==\r\n',
    'XCLIENT ADDR=192.0.2.9 LOGIN=u HELO=c\r\n',
    'XCLIENT ADDR=203.0.113.1\r\n',
    'XFORWARD NAME=c HELO=c\r\n',
  ],
  ...[
    '\n',
    '\r',
    '.',
    '\r\n.\r\n',
    '\n.\n',
    '\r\n\r\n',
    '\0',
    '\xff',
    ' ',
    'a: b\r\n',
    'Received: x\r\n',
    'STARTTLS\r\n',
  ],
  ...[
    'RCPT TO:<no@b>\r\n',
    'RCPT TO:<deny@b>\r\n',
    ' PRDR',
    ' BODY=BINARYMIME',
    ' SIZE=99999',
    'x'.repeat(510),
    ' LAST',
  ],
];

const extensions = ['SMTPUTF8', 'BINARYMIME', 'DSN', 'MT-PRIORITY'].map((name) => `${name} on`);
const config = {
  extensions,
  databytes: ['20000'],
  size_threshold: ['10000'],
  max_header_size: ['4096'],
  auth_lockout_failures: ['0'],
  max_login_failures: ['1000'],
  xclient_networks: ['192.0.2.0/24'],
  xforward_networks: ['192.0.2.0/24'],
  loglevel: ['debug'],
};

/** What the queue has taken: envelope and octets. */
type Queued = string;

interface Result {
  readonly said: string;
  readonly queued: readonly Queued[];
}

class SessionFuzzer implements Fuzzer {
  readonly #lmtp: boolean;
  readonly #stage: Stage;
  readonly #queued: Queued[];
  readonly #mutator: Mutator;

  private constructor(lmtp: boolean, stage: Stage, queued: Queued[]) {
    this.#lmtp = lmtp;
    this.#stage = stage;
    this.#queued = queued;
    const fit = (text: string) => (lmtp ? text.replace('EHLO', 'LHLO') : text.replace('LHLO', 'EHLO'));
    this.#mutator = new Mutator(seeds.map(fit), tokens);
  }

  static async open(lmtp: boolean): Promise<SessionFuzzer> {
    const queued: Queued[] = [];
    const entries = Object.entries({ ...config, bare_newline: [lmtp ? 'reject' : 'normalize'] });
    const stage = await Stage.open({
      program: {
        version: '0.0.0',
        bundled: { 'queue/fuzz': async () => ({ default: recorder(queued) }) },
        api,
      },
      setup: { plugins: ['queue/fuzz'], logging: [], config: new Map(entries), maps: new Map(), env: {} },
      // Two runs of one case differ in nothing.
      clock: { now: () => new Date(0), monotonic: () => 0 },
      pluginDirs: [],
    });
    return new SessionFuzzer(lmtp, stage, queued);
  }

  make(random: Random): Buffer {
    return this.#mutator.make(random);
  }

  async run(input: Buffer): Promise<void> {
    const whole = await this.#play([input], false);
    const { taken } = followConversation(input.toString('latin1'), whole.said, { lmtp: this.#lmtp });
    assert.equal(whole.queued.length, taken.length, 'what was taken is not what was queued');
    for (const [at, message] of taken.entries()) {
      // The field is renamed, so that nobody believes it.
      if (/authentication-results/i.test(message)) continue;
      assert.ok(whole.queued[at]?.endsWith(message), 'another message was queued');
    }
    const random = new Random(seedOf(input));
    for (const waits of [false, true]) {
      const pieces = await this.#play(cut(input, random), waits);
      assert.equal(pieces.said, whole.said, 'chunks make a difference');
      assert.deepEqual(pieces.queued, whole.queued, 'chunks make a difference to a message');
    }
  }

  close(): void {
    this.#stage.close();
  }

  async #play(chunks: readonly Buffer[], waits: boolean): Promise<Result> {
    const wire = new TestWire();
    const client = { ip: '192.0.2.1', host: 'client.example', service: { tls: false, lmtp: this.#lmtp } };
    const { over } = this.#stage.serve(client, wire);
    for (const chunk of chunks) {
      if (waits) await wire.idle();
      if (wire.closings > 0) break;
      wire.send(chunk.toString('latin1'));
    }
    // Who leaves before the answer has its message not queued.
    await wire.idle();
    wire.finish();
    await over;
    assert.equal(wire.closings, 1);
    const fault = this.#stage.takeLog().find((line) => line.includes('fault in the server'));
    assert.equal(fault, undefined);
    // Challenges are never the same twice.
    const said = wire.writes.join('').replace(/^334 .*$/gm, '334 challenge');
    return { said, queued: this.#queued.splice(0) };
  }
}

function recorder(queued: Queued[]) {
  return definePlugin({
    name: 'queue/fuzz',
    summary: 'keeps what is queued',
    setup: () => ({
      'auth-plain': (_at, { user, password }) => (password === 'password' ? ok() : deny(`no ${user}`)),
      'auth-login': (_at, { password }) => (password === 'password' ? ok() : declined),
      'auth-cram-md5': () => deny(),
      'auth-scram-sha-256': () => declined,
      'auth-oauthbearer': () => declined,
      rcpt: (_at, recipient) => (recipient.localPart === 'no' ? deny() : declined),
      queue: async ({ transaction }) => {
        const { recipients } = transaction;
        const refused = recipients.filter(({ localPart }) => localPart === 'deny');
        for (const recipient of refused) transaction.answerRecipient(recipient, deny());
        const text = `${transaction.sender.path} ${recipients.join(' ')}\n${await contentOf(transaction)}`;
        if (refused.length === recipients.length) return deny();
        queued.push(text);
        return ok();
      },
    }),
  });
}

async function contentOf({ content }: Envelope): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of content.chunks('as-received')) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

const promise =
  'as many replies as commands, each well-formed; no fault; what is queued is what was sent; chunks make no difference';

export const sessionTarget: Target = { name: 'session', promise, open: () => SessionFuzzer.open(false) };
export const lmtpTarget: Target = { name: 'lmtp', promise, open: () => SessionFuzzer.open(true) };
