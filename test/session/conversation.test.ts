// The conversation itself: replies of one batch in one write, denials at commands, faults that stay in their
// command, limits of lines.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { answer, declined, deny, denySoft, disconnect, ok } from '../../src/contract/verdict.ts';
import { begin, MESSAGE, openStage, TestWire } from './support.ts';

function fail(): never {
  throw new Error('broken');
}

describe('pipelining (RFC 2920)', () => {
  it('answers a batch in one write', async () => {
    const talk = await begin();
    const before = talk.wire.writes.length;
    const replies = await talk.say(
      'EHLO c.example',
      'MAIL FROM:<>',
      'RCPT TO:<b@b.example>',
      'RCPT TO:<c@b.example>',
      'DATA',
    );
    assert.equal(talk.wire.writes.length, before + 1);
    assert.deepEqual(replies.match(/^\d{3} /gm), ['250 ', '250 ', '250 ', '250 ', '354 ']);
  });

  it('does so too when a plugin has to be waited for', async () => {
    const talk = await begin({ plugins: { slow: { rcpt: async () => ok() } } });
    const before = talk.wire.writes.length;
    await talk.say('EHLO c.example', 'MAIL FROM:<>', 'RCPT TO:<b@b.example>', 'RCPT TO:<c@b.example>');
    assert.equal(talk.wire.writes.length, before + 1);
  });

  it('reads on behind the end of a message', async () => {
    const talk = await begin();
    await talk.openData();
    assert.match(
      await talk.send(`${MESSAGE}NOOP\r\nMAIL FROM:<>\r\n`),
      /^250 2\.0\.0 queued\n250 2\.0\.0 ok\n250 2\.1\.0 /,
    );
  });

  it('takes a line that comes in pieces', async () => {
    const talk = await begin();
    for (const piece of ['NO', 'OP', '\r']) assert.equal(await talk.send(piece), '');
    assert.equal(await talk.send('\nNOOP\r\n'), '250 2.0.0 ok\n250 2.0.0 ok');
  });

  it('takes nothing behind QUIT, nor behind a denial that disconnects', async () => {
    const talk = await begin();
    assert.match(await talk.say('QUIT', 'NOOP'), /^221 [^\n]*$/);
    const denied = await begin({ plugins: { actor: { noop: () => disconnect(deny('bye')) } } });
    assert.equal(await denied.say('NOOP', 'RSET'), '500 5.5.1 bye');
    assert.ok(denied.isClosed);
  });
});

describe('lines', () => {
  // RFC 5321 section 4.5.3.1.4: 512 octets with CRLF
  const noop = (octets: number) => `NOOP ${'x'.repeat(octets - 7)}\r\n`;

  it('have 512 octets until EHLO, then those of max_command_line', async () => {
    const talk = await begin({ config: { max_command_line: ['1000'] } });
    assert.equal(await talk.send(noop(512)), '250 2.0.0 ok');
    assert.equal(await talk.send(noop(513)), '500 5.5.2 command line is too long');
    await talk.say('HELO c.example');
    assert.equal(await talk.send(noop(513)), '500 5.5.2 command line is too long');
    await talk.say('EHLO c.example');
    assert.equal(await talk.send(noop(1000)), '250 2.0.0 ok');
    assert.equal(await talk.send(noop(1001)), '500 5.5.2 command line is too long');
    assert.equal(await talk.say('NOOP'), '250 2.0.0 ok');
  });

  it('that never end are answered once, when they do', async () => {
    const talk = await begin();
    for (let at = 0; at < 20; at++) assert.equal(await talk.send('x'.repeat(1000)), '');
    assert.equal(await talk.send('\r\nNOOP\r\n'), '500 5.5.2 command line is too long\n250 2.0.0 ok');
  });

  it('with a bare CR are one line', async () => {
    const talk = await begin();
    assert.equal(await talk.send('NOOP\rQUIT\r\n'), '500 5.5.1 command is unknown');
  });

  it('cannot bring control bytes into a reply', async () => {
    const talk = await begin();
    const replies = await talk.send(
      'EHLO c.example\r\nMAIL FROM:<"a\tb"@a.example>\r\nMAIL FROM:<a@a.example> A\x01=\r\n',
    );
    assert.match(replies, /^[\x20-\x7e\n]*$/);
  });
});

describe('denials at commands', () => {
  const setUp = ['EHLO c.example', 'MAIL FROM:<a@a.example>'];
  const cases: readonly (readonly [HookTable, string, string, boolean])[] = [
    [{ ehlo: () => deny('no') }, 'EHLO d.example', '550 5.7.1 no', false],
    [{ helo: () => disconnect(denySoft('no')) }, 'HELO d.example', '450 4.7.1 no', true],
    [{ helo_parse: () => deny('odd name') }, 'HELO d.example', '501 5.5.4 odd name', false],
    [{ helo_parse: () => disconnect(deny('odd name')) }, 'HELO d.example', '501 5.5.4 odd name', true],
    [{ ehlo_parse: () => denySoft() }, 'EHLO d.example', '451 4.5.4 EHLO needs the name of your host', false],
    [{ mail_parse: () => deny('odd', '5.5.2') }, 'MAIL FROM:<>', '501 5.5.2 odd', false],
    [{ mail_parse: () => denySoft('wait') }, 'MAIL FROM:<>', '451 4.5.4 wait', false],
    [{ mail_parse: () => disconnect(denySoft('wait')) }, 'MAIL FROM:<>', '421 4.5.4 wait', true],
    [{ mail_parse: () => deny() }, 'MAIL FROM:<>', '501 5.5.4 address is malformed', false],
    [{ mail_pre: () => deny('not you') }, 'MAIL FROM:<>', '550 5.7.1 not you', false],
    [{ mail_pre: () => disconnect(denySoft('not you')) }, 'MAIL FROM:<>', '421 4.7.1 not you', true],
    [{ mail: () => denySoft('not you', '4.1.8') }, 'MAIL FROM:<>', '450 4.1.8 not you', false],
    [{ rcpt_parse: () => denySoft('wait') }, 'RCPT TO:<b@b.example>', '451 4.5.4 wait', false],
    [{ rcpt_pre: () => denySoft('wait') }, 'RCPT TO:<b@b.example>', '450 4.7.1 wait', false],
    [{ rcpt: () => deny() }, 'RCPT TO:<b@b.example>', '550 5.7.1 relaying denied', false],
    [{ rcpt: () => disconnect(deny()) }, 'RCPT TO:<b@b.example>', '550 5.7.1 delivery denied', true],
    [{ vrfy: () => deny() }, 'VRFY b', '554 5.7.1 access denied', false],
    [{ vrfy: () => ok('somebody <b@b.example>') }, 'VRFY b', '250 2.1.5 somebody <b@b.example>', false],
    [{ help: () => ok('one\ntwo') }, 'HELP', '214-2.0.0 one\n214 2.0.0 two', false],
    [{ help: () => deny('none') }, 'HELP x', '500 5.5.1 none', false],
    [{ quit: () => ok('one\ntwo') }, 'QUIT', '221-2.0.0 one\n221 2.0.0 two', true],
    [{ unrecognized_command: () => disconnect(deny()) }, 'X', '521 5.5.1 too many unknown commands', true],
  ];
  for (const [hooks, line, reply, closes] of cases) {
    it(`${Object.keys(hooks)}, ${line}: ${reply.replaceAll('\n', ' / ')}${closes ? ', closes' : ''}`, async () => {
      const talk = await begin({ plugins: { actor: hooks } });
      await talk.say(...setUp.slice(0, line.startsWith('RCPT') ? 2 : line.startsWith('MAIL') ? 1 : 0));
      assert.equal(await talk.say(line), reply);
      assert.equal(talk.isClosed, closes);
    });
  }

  it('leave no sender and no recipient behind', async () => {
    const denied = { mail_pre: () => deny(), rcpt_pre: () => deny() } as const;
    const { mail_pre, rcpt_pre } = denied;
    const first = await begin({ plugins: { actor: { mail_pre } } });
    assert.match(await first.say('EHLO c.example', 'MAIL FROM:<>', 'RCPT TO:<b@b.example>'), /\n503 [^\n]*$/);
    const second = await begin({ plugins: { actor: { rcpt_pre } } });
    assert.match(
      await second.say(...setUp, 'RCPT TO:<b@b.example>', 'DATA'),
      /\n503 5\.5\.1 say RCPT first$/,
    );
  });

  it('by vrfy end the transaction, as in qpsmtpd', async () => {
    const talk = await begin({ plugins: { actor: { vrfy: () => deny() } } });
    assert.match(await talk.say(...setUp, 'VRFY b', 'RCPT TO:<b@b.example>'), /\n554 [^\n]*\n503 [^\n]*$/);
  });

  it('of a failed plugin with on_error put the client off, in parsing hooks too', async () => {
    const talk = await begin({ plugins: { 'actor on_error defer': { mail_parse: fail } } });
    assert.match(await talk.say('EHLO c.example', 'MAIL FROM:<>'), /\n451 4\.3\.0 [^\n]*$/);
    const other = await begin({ plugins: { 'actor on_error defer': { mail_pre: fail } } });
    assert.match(await other.say('EHLO c.example', 'MAIL FROM:<>'), /\n450 4\.3\.0 [^\n]*$/);
  });
});

describe('readings of a plugin', () => {
  it('go before those of the core', async () => {
    const talk = await begin({
      plugins: {
        actor: {
          ehlo_parse: () => answer({ host: 'other.example' }),
          mail_parse: () => answer({ path: '<m@a.example>', params: new Map() }),
          rcpt_pre: () => answer('<r@b.example>'),
        },
      },
    });
    const replies = await talk.say('EHLO', 'MAIL anything', 'RCPT TO:b');
    assert.match(replies, /\n250 2\.1\.0 <m@a\.example>, sender ok\n501 [^\n]*$/);
    assert.equal(await talk.say('RCPT TO:<b@b.example>'), '250 2.1.5 <r@b.example>, recipient ok');
    assert.equal(talk.session.connection.hello?.host, 'other.example');
  });

  it('may bring parameters with an extension they offer', async () => {
    const talk = await begin({
      plugins: {
        actor: {
          ehlo: ({ connection }) => {
            connection.offer('DSN', { mail: ['RET'], rcpt: ['NOTIFY'] });
            return { code: 'DECLINED', text: [] };
          },
        },
      },
    });
    assert.match(await talk.say('EHLO c.example'), /^250 DSN$/m);
    assert.match(await talk.say('MAIL FROM:<> RET=HDRS'), /^250 /);
    assert.match(await talk.say('RCPT TO:<b@b.example> NOTIFY=NEVER'), /^250 /);
    assert.match(await talk.say('RCPT TO:<b@b.example> RET=HDRS'), /^555 /);
    assert.equal((await talk.say('EHLO c.example')).match(/DSN/g)?.length, 1);
  });
});

describe('faults', () => {
  it('in a command are answered 451, are logged, and the session goes on', async () => {
    const talk = await begin();
    await talk.say('EHLO c.example');
    Object.assign(talk.session.connection.notes, { set: fail });
    talk.stage.takeLog();
    assert.match(await talk.say('MAIL FROM:<>', 'NOOP'), /^451 4\.3\.0 [^\n]*\n250 2\.0\.0 ok$/);
    assert.ok(
      talk.stage.takeLog().some((line) => line.includes('fault in the server at mail: Error: broken')),
    );
  });

  it('behind a message end its transaction: nothing of it gets into the next', async () => {
    let times = 0;
    const queued: number[] = [];
    const talk = await begin({
      plugins: {
        'queue/last': {
          data_post_headers: ({ transaction }) => {
            if (times++ === 0) Object.assign(transaction.header, { addTop: fail });
            return declined;
          },
          queue: ({ transaction }) => {
            queued.push(transaction.body.size);
            return ok();
          },
        },
      },
    });
    await talk.openData();
    assert.match(await talk.send(MESSAGE), /^451 4\.3\.0 /);
    assert.equal(await talk.say('DATA'), '503 5.5.1 say MAIL first');
    await talk.openData();
    assert.equal(await talk.send(MESSAGE), '250 2.0.0 queued');
    assert.deepEqual(queued, ['body\r\n'.length]);
  });

  it('within a message end the session: what is left of it is not read as commands', async () => {
    const talk = await begin();
    await talk.openData();
    Object.assign(talk.session.transaction, { setHeader: fail });
    const reply = await talk.send('Subject: x\r\n\r\nMAIL FROM:<x@x.example>\r\n.\r\nNOOP\r\n');
    assert.match(reply, /^451 4\.3\.0 [^\n]*$/);
    await talk.over;
    assert.ok(talk.isClosed);
  });

  it('of the wire end the session with 421', async () => {
    const stage = await openStage();
    const wire = new TestWire();
    wire.read = fail;
    await stage.serve({ ip: '192.0.2.1', host: 'c.example' }, wire).over;
    assert.match(wire.writes.join(''), /^220 [^\n]*\n421 4\.3\.0 [^\n]*\n$/);
    assert.equal(wire.closings, 1);
  });
});
