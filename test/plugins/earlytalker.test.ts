// earlytalker with clients that speak too early, which a transcript cannot: on a wire whose silence ends when the
// test says so, and on sockets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import earlytalker from '../../plugins/earlytalker.ts';
import type { ConnectionNotes, Service } from '../../src/contract/connection.ts';
import { definePlugin } from '../../src/contract/plugin.ts';
import type { TlsFacts } from '../../src/contract/tls.ts';
import { declined } from '../../src/contract/verdict.ts';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';
import { SmtpServer } from '../../src/server/smtp-server.ts';
import { TestWire } from '../session/support.ts';
import { cleanUp } from '../support/cleanup.ts';
import { connect } from '../support/smtp-dialog.ts';
import { findingsFor, stageWith } from './plugin-talk.ts';

/** Who is asked whether the client speaks: says so, and notes how long was to be waited. */
class ListenedWire extends TestWire {
  readonly waits: number[] = [];
  /** gives the answers one by one; what has come, when there is none */
  readonly answers: boolean[] = [];

  override async peek(waitMs?: number): Promise<boolean> {
    this.waits.push(waitMs ?? Number.NaN);
    return this.answers.shift() ?? super.peek();
  }
}

interface Options {
  readonly early?: string;
  readonly answers?: readonly boolean[];
  readonly notes?: Partial<ConnectionNotes>;
  readonly service?: Service;
  readonly localPort?: number;
  readonly tls?: TlsFacts;
}

const PLAIN: Service = { tls: false, lmtp: false };
const TLS: TlsFacts = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  isResumed: false,
  clientCertificate: null,
  channelBinding: () => null,
};

/** A session of which the client has said `early` before it began. */
async function begin(line: string, options: Options = {}) {
  const { early = '', answers = [], notes = {}, service = PLAIN, localPort = 25, tls = null } = options;
  const facts = definePlugin({
    name: 'facts',
    summary: 'knows of the client what the test says',
    setup: () => ({
      connect({ connection }) {
        for (const [fact, value] of Object.entries({ service, localPort, tls })) {
          Object.defineProperty(connection, fact, { value });
        }
        for (const [note, value] of Object.entries(notes)) {
          connection.notes.set(note as keyof ConnectionNotes, value);
        }
        return declined;
      },
    }),
  });
  const stage = await stageWith(['facts', line], { plugins: { facts } });
  const wire = new ListenedWire();
  wire.answers.push(...answers);
  if (early !== '') wire.send(early);
  const { session, over } = stage.serve({ ip: '192.0.2.1', host: 'client.example' }, wire);
  let read = 0;
  const replies = async () => {
    await wire.idle();
    const text = wire.writes.slice(read).join('');
    read = wire.writes.length;
    return text.trimEnd().replaceAll('\r\n', '\n');
  };
  const say = (octets: string) => {
    wire.send(octets);
    return replies();
  };
  const logged = () => stage.takeLog().filter((entry) => / earlytalker: (?!Plugin )/.test(entry));
  return { wire, over, notes: session.connection.notes, greeting: await replies(), say, logged, session };
}

const HELLO = 'EHLO client.example\r\n';
const ENVELOPE = `${HELLO}MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n`;
const MESSAGE = 'Subject: x\r\n\r\nMAIL FROM:<forged@a.example>\r\n.\r\n';

describe('earlytalker before the greeting', () => {
  it('waits as long as it is told, and greets who keeps still', async () => {
    for (const [line, waits] of [
      ['earlytalker', [1000]],
      ['earlytalker wait 2.5', [2500]],
      ['earlytalker wait 4 check-at DATA', []],
    ] as const) {
      const { greeting, wire, notes, logged } = await begin(line);
      assert.match(greeting, /^220 /);
      assert.deepEqual(wire.waits, waits, line);
      assert.equal(notes.has('earlytalker'), false);
      assert.equal(
        logged().some((entry) => entry.endsWith('pass, not spontaneous')),
        waits.length > 0,
      );
    }
  });

  it('refuses who speaks, for now, and hangs up', async () => {
    const { greeting, wire, notes, logged, over } = await begin('earlytalker', { early: HELLO });
    assert.equal(greeting, '450 4.5.0 you must not speak before you have seen the greeting');
    await over;
    assert.equal(wire.closings, 1);
    assert.equal(notes.get('earlytalker'), 1);
    assert.equal(notes.get('karma'), -1);
    assert.ok(logged().some((entry) => entry.endsWith('fail, the client spoke before the greeting')));
  });

  it('refuses in the way that its line says', async () => {
    const greetings = {
      'earlytalker reject_type perm': /^550 5\.5\.0 you must not/,
      'earlytalker reject_type temp': /^450 4\.5\.0 you must not/,
      'earlytalker action deny': /^550 5\.5\.0 you must not/,
      'earlytalker action denysoft': /^450 4\.5\.0 you must not/,
      'earlytalker action log': /^220 /,
      'earlytalker reject 0': /^220 /,
      'earlytalker reject naughty': /^220 /,
    };
    for (const [line, greeting] of Object.entries(greetings)) {
      const client = await begin(line, { early: HELLO });
      assert.match(client.greeting, greeting, line);
      assert.equal(client.notes.has('naughty'), line.endsWith('naughty'));
      assert.equal(client.notes.get('karma'), -1);
      assert.match(client.logged().join('\n'), / fail, (?:tolerated, |NAUGHTY, )?the client spoke before/);
    }
  });

  it('with defer-reject greets, and refuses each MAIL', async () => {
    for (const [type, code] of [
      ['', 450],
      [' reject_type perm', 550],
    ] as const) {
      const { greeting, say, notes } = await begin(`earlytalker defer-reject 1${type}`, { early: ENVELOPE });
      const replies = greeting.split('\n').filter((line) => /^\d{3} /.test(line));
      assert.deepEqual(
        replies.map((line) => Number(line.slice(0, 3))),
        [220, 250, code, 503],
      );
      assert.match(await say('MAIL FROM:<>\r\n'), new RegExp(`^${code} `));
      assert.equal(notes.get('karma'), -1);
    }
    const silent = await begin('earlytalker defer-reject 1');
    assert.doesNotMatch(await silent.say(ENVELOPE), /^[45]/m);
  });

  it('is told by notes how long to wait, and whom to trust', async () => {
    const slower = await begin('earlytalker wait 2', { notes: { earlytalker_wait: 7 } });
    assert.deepEqual(slower.wire.waits, [7000]);
    const skips: readonly (readonly [Partial<ConnectionNotes>, RegExp])[] = [
      [{ karma_history: 6 }, /skip, karma 6$/],
      [{ whitelisthost: 'a friend' }, /skip, whitelisted host$/],
    ];
    for (const [notes, entry] of skips) {
      const client = await begin('earlytalker', { early: HELLO, notes });
      assert.match(client.greeting, /^220 /);
      assert.deepEqual(client.wire.waits, []);
      assert.match(client.logged().join('\n'), entry);
    }
    const known = await begin('earlytalker', { early: HELLO, notes: { karma_history: 5 } });
    assert.match(known.greeting, /^450 /);
  });

  it('does not take a handshake that is to come for speech, and listens behind it', async () => {
    const service = { tls: true, lmtp: false };
    for (const facts of [{ service }, { localPort: 465 }]) {
      const { wire, notes, logged } = await begin('earlytalker', { early: '\x16\x03\x01', ...facts });
      assert.deepEqual(wire.waits, []);
      assert.equal(notes.has('earlytalker'), false);
      assert.match(logged().join('\n'), /skip, TLS has not begun$/);
    }
    const shaken = await begin('earlytalker', { early: HELLO, service, localPort: 465, tls: TLS });
    assert.match(shaken.greeting, /^450 /);
  });
});

describe('earlytalker behind DATA', () => {
  const LINE = 'earlytalker wait 3 check-at DATA';

  it('lets pass who waits for the answer, commands in one packet or not', async () => {
    const { say, wire } = await begin(LINE);
    assert.match(await say(`${ENVELOPE}DATA\r\n`), /\n354 [^\n]*$/);
    assert.deepEqual(wire.waits, [3000]);
    assert.match(await say(MESSAGE), /^250 /);
  });

  it('refuses a message in the packet of DATA, and takes nothing of it for a command', async () => {
    const { say, wire, notes, over, session } = await begin(LINE);
    const replies = await say(`${ENVELOPE}DATA\r\n${MESSAGE}`);
    assert.match(replies, /\n451 4\.5\.0 you must not send a message before you are told to go ahead$/);
    await over;
    assert.equal(wire.closings, 1);
    assert.equal(session.messages, 0);
    assert.equal(notes.get('envelope_from'), 'FROM:<a@a.example>');
    assert.deepEqual([notes.get('earlytalker'), notes.get('karma')], [1, -1]);
  });

  it('refuses a message that comes while it waits', async () => {
    const { say, wire } = await begin(`${LINE} reject_type perm`, { answers: [true] });
    assert.match(await say(`${ENVELOPE}DATA\r\n`), /\n554 5\.5\.0 you must not[^\n]*$/);
    assert.equal(wire.closings, 1);
  });

  it('with reject 0 takes the message', async () => {
    const { say, logged, session } = await begin(`${LINE} reject 0`);
    assert.match(await say(`${ENVELOPE}DATA\r\n${MESSAGE}`), /\n354 [^\n]*\n250 [^\n]*$/);
    assert.equal(session.messages, 1);
    assert.match(logged().join('\n'), /fail, tolerated, the client sent its message before/);
  });

  it('does not look at BDAT, whose octets follow at once', async () => {
    const { say, wire } = await begin(LINE);
    await say(ENVELOPE);
    assert.match(await say('BDAT 15 LAST\r\nSubject: x\r\n\r\nx'), /^250 /);
    assert.deepEqual(wire.waits, []);
  });

  it('can look at both points', async () => {
    const { say, wire } = await begin('earlytalker check-at CONNECT wait 2 check-at data');
    await say(`${ENVELOPE}DATA\r\n`);
    assert.deepEqual(wire.waits, [2000, 2000]);
  });
});

describe('earlytalker on a socket', () => {
  async function serve(...lines: readonly string[]) {
    const { engine, spool } = await stageWith(lines);
    const limits = new ConnectionLimits({ connections: 0, fromIp: 0 });
    const server = new SmtpServer({ engine: () => engine, spool, limits, reverseName: () => 'c.example' });
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    server.open();
    cleanUp(() => server.stop(0));
    return port;
  }

  it('answers an early client before the time is over, while a silent one waits', async () => {
    const port = await serve('earlytalker wait 50');
    const silent = await connect(port);
    const early = await connect(port);
    early.send(HELLO);
    await early.expect(/^450 4\.5\.0 you must not speak/);
    await early.closed();
    assert.equal(silent.received, '');
    silent.send('x');
    await silent.expect(/^450 4\.5\.0 you must not speak/);
  });

  it('holds the greeting back, and loses nothing of what comes behind it', async () => {
    const port = await serve('earlytalker wait 0.2', 'earlytalker:1 wait 0.1 check-at DATA');
    const begun = performance.now();
    const client = await connect(port);
    await client.greet();
    assert.ok(performance.now() - begun >= 190);
    client.send(`MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n`);
    for (const code of [250, 250, 354]) await client.expect(code);
    client.send(MESSAGE);
    await client.expect(250);
  });
});

describe('the line of earlytalker', () => {
  const mistakes = {
    'earlytalker wait -1': /-1 is less than 0/,
    'earlytalker check-at HELO': /"HELO" is none of CONNECT, DATA/,
    'earlytalker action shout': /"shout" is none of deny, denysoft, log/,
    'earlytalker check-at': /a value \(CONNECT\|DATA\) is missing/,
  };
  for (const [line, text] of Object.entries(mistakes)) {
    it(`does not take "${line}"`, async () => {
      assert.match((await findingsFor([line]))[0]?.text ?? '', text);
    });
  }

  it('refuses for now if it is told nothing', () => {
    assert.equal(earlytalker.options?.reject_type.default, 'temp');
  });
});
