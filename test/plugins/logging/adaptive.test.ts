// Whose log entries logging/adaptive marks: of which messages, and of which clients.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AtAnywhere,
  type AtSession,
  type Checkup,
  type Connection,
  type ConnectionNotes,
  definePlugin,
  deny,
  done,
  type Host,
  type LogEntry,
  type LogLevel,
  ok,
  type Plugin,
  type Transaction,
  type Verdict,
} from 'qpsmtpd';
import adaptive from '../../../plugins/logging/adaptive.ts';
import type { Stage } from '../../../src/cli/transcript/stage.ts';
import { NoteCells } from '../../../src/message/notes.ts';
import { Address } from '../../../src/protocol/address.ts';
import { MESSAGE, Talk } from '../../session/support.ts';
import { stageWith } from '../plugin-talk.ts';

const LINE = 'logging/adaptive accept info reject info';

/** Texts with the mark since the last call, client by client. */
function marked(stage: Stage, mark = '`'): string[] {
  const start = new RegExp(`^\\d+\\.(\\d+) ${mark} `);
  return stage.takeLog().flatMap((line) => (start.test(line) ? [line.replace(start, '$1 ')] : []));
}

function queuePlugin(queue: (transaction: Transaction) => Verdict): Record<string, Plugin> {
  const setup = () => ({ queue: (at: AtSession) => queue(at.transaction) });
  return { 'queue/mine': definePlugin({ name: 'queue/mine', summary: 'of a test', setup }) };
}

/** A session with EHLO said. */
async function greeted(stage: Stage, lmtp = false): Promise<Talk> {
  const talk = new Talk(stage, {
    ip: '192.0.2.1',
    host: 'client.example',
    service: { tls: false, lmtp },
  });
  await talk.say(`${lmtp ? 'LHLO' : 'EHLO'} client.example`);
  return talk;
}

async function send(talk: Talk, sender: string, ...recipients: readonly string[]): Promise<void> {
  const words = [`MAIL FROM:<${sender}>`, ...recipients.map((one) => `RCPT TO:<${one}>`), 'DATA'];
  await talk.say(...words);
  await talk.send(MESSAGE);
}

describe('an accepted message', () => {
  it('has what came since the one before, MAIL included', async () => {
    const stage = await stageWith([LINE]);
    const talk = await greeted(stage);
    await send(talk, 'a@a.example', 'b@b.example');
    const first = marked(stage);
    assert.equal(first[0], '1 Connection from client.example [192.0.2.1]');
    assert.ok(first.includes('1 dispatching EHLO client.example'));
    assert.equal(first.at(-1)?.slice(0, 6), '1 250 ');

    await talk.say('MAIL FROM:<given-up@a.example>', 'RCPT TO:<b@b.example>');
    await send(talk, 'c@c.example', 'd@d.example');
    const second = marked(stage);
    assert.equal(second[0], '1 dispatching MAIL FROM:<c@c.example>');
    assert.equal(second.length, first.length - first.indexOf('1 dispatching MAIL FROM:<a@a.example>'));
    assert.equal(second.filter((line) => /given-up|a@a/.test(line)).length, 0);

    await talk.say('QUIT');
    await talk.over;
    assert.deepEqual(marked(stage), []);
  });

  it('has what led to a MAIL that was refused at first', async () => {
    const stage = await stageWith([LINE]);
    const talk = await greeted(stage);
    await talk.say('MAIL FROM:<a b>');
    await send(talk, 'a@a.example', 'b@b.example');
    const lines = marked(stage);
    assert.equal(lines[0], '1 Connection from client.example [192.0.2.1]');
    assert.ok(lines.includes('1 dispatching MAIL FROM:<a b>'));
  });

  it('comes in one piece, though others end at the same time', async () => {
    const stage = await stageWith([LINE]);
    const talks = [await greeted(stage), await greeted(stage), await greeted(stage)];
    for (const word of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) {
      for (const talk of talks) await talk.say(word);
    }
    assert.deepEqual(marked(stage), []);
    await Promise.all(talks.map((talk) => talk.send(MESSAGE)));
    const clients = marked(stage).map((line) => line.charAt(0));
    assert.match(clients.join(''), /^1{8,}2{8,}3{8,}$/);
  });
});

describe('a message is not accepted', () => {
  for (const [what, verdict, isAccepted] of [
    ['when it is refused', deny('no'), false],
    ['when its refusal is told by the plugin', done({ code: 550, status: '5.7.1', lines: ['no'] }), false],
    ['but it is when its acceptance is told by the plugin', done({ code: 250, lines: ['yes'] }), true],
    ['but it is when it is queued', ok(), true],
  ] as const) {
    it(what, async () => {
      const stage = await stageWith([LINE, 'queue/mine'], { plugins: queuePlugin(() => verdict) });
      const talk = await greeted(stage);
      await send(talk, 'a@a.example', 'b@b.example');
      assert.equal(marked(stage).length > 0, isAccepted);
    });
  }

  it('nor does it keep the next one from being', async () => {
    const isSpam = ({ sender }: Transaction) => sender?.localPart === 'spam';
    const stage = await stageWith([LINE, 'queue/mine'], {
      plugins: queuePlugin((transaction) => (isSpam(transaction) ? deny('no') : ok())),
    });
    const talk = await greeted(stage);
    await send(talk, 'spam@a.example', 'b@b.example');
    assert.deepEqual(marked(stage), []);
    await send(talk, 'ham@a.example', 'b@b.example');
    assert.equal(marked(stage)[0], '1 dispatching MAIL FROM:<ham@a.example>');
  });

  for (const [what, taken, isAccepted] of [
    ['for nobody', [], false],
    ['for one recipient', ['c'], true],
  ] as const) {
    it(`${isAccepted ? 'but it is ' : ''}when LMTP hears that it was taken ${what}`, async () => {
      const stage = await stageWith([LINE, 'queue/mine'], {
        plugins: queuePlugin((transaction) => {
          for (const one of transaction.recipients) {
            transaction.answerRecipient(
              one,
              (taken as readonly string[]).includes(one.localPart) ? ok() : deny('no'),
            );
          }
          return isAccepted ? deny('no') : ok();
        }),
      });
      const talk = await greeted(stage, true);
      await send(talk, 'a@a.example', 'b@b.example', 'c@b.example');
      assert.equal(marked(stage).length > 0, isAccepted);
    });
  }
});

interface Written {
  readonly lines: string[];
  readonly upTo: LogLevel;
  log(connection: Connection | null, entry: Partial<LogEntry>): void;
  accept(connection: Connection): void;
}

/** The plugin alone. @param lines what it writes is put there */
async function alone(accept: LogLevel, reject: LogLevel, lines: string[] = []): Promise<Written> {
  const host: Partial<Host> = {
    id: 'logging/adaptive',
    options: { accept, reject, prefix: '`' },
    stderr: (line) => void lines.push(line),
  };
  const table = await adaptive.setup(host as Parameters<typeof adaptive.setup>[0]);
  const { logging, queue_post, reset_transaction } = table;
  assert.ok(logging && 'upTo' in logging);
  assert.ok(typeof queue_post === 'function' && typeof reset_transaction === 'function');
  const transaction: Partial<Transaction> = {
    sender: Address.nullSender,
    recipients: [],
    answersEach: false,
  };
  return {
    lines,
    upTo: logging.upTo,
    log: (connection, { level = reject, text = '', plugin = null }) =>
      logging.handler({ connection } as AtAnywhere, {
        ...{ level, text, plugin, hook: null, id: connection?.id ?? '7', time: new Date(0) },
      }),
    accept(connection) {
      const at = { connection, transaction } as AtSession;
      queue_post(at, ok());
      reset_transaction(at);
    },
  };
}

function client(): Connection {
  const connection: Partial<Connection> = { id: '7.1', notes: new NoteCells<ConnectionNotes>() };
  return connection as Connection;
}

describe('logging/adaptive', () => {
  it('writes at once up to reject, and keeps for a client up to accept', async () => {
    const { lines, upTo, log, accept } = await alone('error', 'warn');
    const connection = client();
    assert.equal(upTo, 'warn');
    log(connection, { level: 'warn', text: 'a' });
    assert.equal(connection.notes.has('logging-adaptive'), false, 'room was made for nothing');
    log(connection, { level: 'error', text: 'b' });
    log(null, { level: 'error', text: 'c' });
    log(connection, { level: 'error', text: 'd', plugin: 'logging/adaptive' });
    assert.deepEqual(lines.splice(0), ['7.1 a', '7.1 b', '7 c']);
    accept(connection);
    assert.deepEqual(lines, ['7.1 ` b']);
  });

  it('says in their place how many entries of a client who said too much are missing', async () => {
    const { lines, log, accept } = await alone('info', 'info');
    const connection = client();
    const count = 5_000;
    for (let number = 0; number < count; number++) log(connection, { text: `NOOP ${number}` });
    lines.length = 0;
    accept(connection);
    const at = lines.findIndex((line) => line.endsWith(' not kept'));
    assert.ok(at > 100 && at < lines.length - 100, `at ${at} of ${lines.length}`);
    assert.equal(lines[at], `7.1 \` ${count - lines.length + 1} log entries of this message were not kept`);
    assert.equal(lines.at(-1), `7.1 \` NOOP ${count - 1}`);
  });

  it('keeps what the plugin of another configuration has logged since a reload', async () => {
    const lines: string[] = [];
    const [before, since] = [await alone('info', 'info', lines), await alone('info', 'info', lines)];
    const connection = client();
    before.log(connection, { text: 'a' });
    since.log(connection, { text: 'b' });
    lines.length = 0;
    before.accept(connection);
    assert.deepEqual(lines, ['7.1 ` a', '7.1 ` b']);
  });

  it('gets no more entries than it writes, and has check-config say when accept asks for more', async () => {
    assert.equal((await alone('debug', 'info')).upTo, 'info');
    const warned = async (accept: LogLevel, reject: LogLevel) => {
      const warnings: unknown[] = [];
      const checkup: Partial<Checkup> = { warn: (...words) => void warnings.push(words) };
      const host = { options: { accept, reject, prefix: '`' } } as Parameters<typeof adaptive.setup>[0];
      await adaptive.check?.(host, checkup as Checkup);
      return warnings;
    };
    assert.deepEqual(await warned('info', 'info'), []);
    assert.deepEqual(await warned('debug', 'info'), [
      [
        'entries up to level debug are to be marked, but it gets them up to info only',
        'say "reject debug", or "accept info" if that is enough',
      ],
    ]);
  });

  it('refuses a mark that no filter would find', () => {
    const mark = adaptive.options?.prefix;
    for (const text of ['', 'a b', 'ä'])
      assert.throws(() => mark?.parse(text), /is not of printable ASCII without blanks/);
    assert.equal(mark?.parse('+'), '+');
  });

  it('refuses a mark that clients could write, as it is in its own escape', () => {
    const mark = adaptive.options?.prefix;
    for (const text of ['\\', 'x', '3', '\\x', '7x'])
      assert.throws(() => mark?.parse(text), /cannot be told from what is escaped in entries: write another/);
    assert.equal(mark?.parse('xyz'), 'xyz');
  });

  it("takes the levels without their words, as the example of qpsmtpd's configuration has them", async () => {
    const stage = await stageWith(['logging/adaptive 6 LOGINFO']);
    await send(await greeted(stage), 'a@a.example', 'b@b.example');
    assert.ok(marked(stage).includes('1 dispatching MAIL FROM:<a@a.example>'));
  });
});
