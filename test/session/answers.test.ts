// Codes of replies: quirk 24 keeps those of qpsmtpd. Where it has none (it takes a code that it does not expect for
// OK, or stays silent), the code stands in the list below with a mark.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Code } from '../../src/contract/codes.ts';
import { hookFacts, hookNames } from '../../src/contract/hooks.ts';
import { deny, denySoft, disconnect, done, ok } from '../../src/contract/verdict.ts';
import { formatReply } from '../../src/protocol/reply.ts';
import {
  type AnsweredHook,
  answers,
  disconnects,
  replyFor,
  syntaxReplyFor,
} from '../../src/session/answers.ts';

type Codes = Readonly<Record<Exclude<Code, 'DONE'>, number>>;

function codes(
  OK: number,
  DECLINED: number,
  DENY: number,
  DENYSOFT: number,
  DENY_DISCONNECT: number,
  DENYSOFT_DISCONNECT: number,
): Codes {
  return { OK, DECLINED, DENY, DENYSOFT, DENY_DISCONNECT, DENYSOFT_DISCONNECT };
}

const expected: Readonly<Record<AnsweredHook, Codes>> = {
  'pre-connection': codes(220, 220, 550, 451, 550, 451),
  connect: codes(220, 220, 550, 450, 550, 450),
  helo: codes(250, 250, 550, 450, 550, 450),
  ehlo: codes(250, 250, 550, 450, 550, 450),
  mail: codes(250, 250, 550, 450, 550, 421),
  rcpt: codes(250, 450, 550, 450, 550, 421),
  data: codes(354, 354, 554, 451, 554, 451),
  // quirk 24a: the plain denials are ours
  data_headers_end: codes(354, 354, 554, 451, 554, 421),
  // quirk 24b: like data_post
  data_post_headers: codes(250, 250, 552, 452, 552, 452),
  data_post: codes(250, 250, 552, 452, 552, 452),
  // quirk 24a: the denials are ours
  queue_pre: codes(250, 250, 552, 452, 552, 452),
  // the disconnecting denials are ours
  queue: codes(250, 451, 552, 452, 552, 452),
  // all denials but DENY are ours
  vrfy: codes(250, 252, 554, 450, 554, 421),
  // the soft denials are ours
  noop: codes(250, 250, 500, 450, 500, 421),
  // all denials but DENY are ours
  help: codes(214, 214, 500, 450, 500, 421),
  quit: codes(221, 221, 221, 221, 221, 221),
  // the soft denials are ours
  unrecognized_command: codes(500, 500, 500, 450, 521, 421),
};
const hooks = Object.keys(expected) as AnsweredHook[];

describe('answers', () => {
  it('has every deciding hook but those of AUTH', () => {
    const deciding = hookNames.filter((hook) => hookFacts[hook].kind === 'decide' && !/^auth/.test(hook));
    assert.deepEqual([...hooks].sort(), [...deciding].sort());
  });

  for (const hook of hooks) {
    it(`${hook}: a code for every verdict`, () => {
      const found = Object.entries(answers[hook]).map(([code, [number]]) => [code, number]);
      assert.deepEqual(Object.fromEntries(found), expected[hook]);
    });

    it(`${hook}: an enhanced code of the class of each reply, none with 354, greeting and hello`, () => {
      for (const [code, status] of Object.values(answers[hook])) {
        const bare = code === 354 || code === 220 || (/^[eh]/.test(hook) && hook !== 'help' && code === 250);
        assert.equal(status?.charAt(0), bare ? undefined : String(code).charAt(0), `${code} ${status}`);
      }
    });
  }
});

describe('replyFor', () => {
  it('hands on the code of another server in a denial of the same kind only', () => {
    const lines = ['no such user'];
    const never = { ...deny('no such user', '5.1.1'), reply: { code: 550, lines } } as const;
    assert.deepEqual(replyFor('queue', never), { code: 550, status: '5.1.1', lines });
    assert.equal(replyFor('queue', { ...never, reply: { code: 450, lines } })?.code, 552);
  });

  it('puts what the command was about into the words of the server', () => {
    const reply = replyFor('mail', ok(), '<$&@a.example>');
    assert.deepEqual(reply, { code: 250, status: '2.1.0', lines: ['<$&@a.example>, sender ok'] });
  });

  it('has the words and the enhanced code of the plugin go before its own', () => {
    const reply = replyFor('rcpt', deny('no such user\nreally not', '5.1.1'), '<b@b.example>');
    assert.deepEqual(reply, { code: 550, status: '5.1.1', lines: ['no such user', 'really not'] });
  });

  it('fits the class of an enhanced code to that of the reply when it is written', () => {
    const reply = replyFor('rcpt', denySoft('later', '5.7.1'));
    assert.ok(reply);
    assert.equal(formatReply(reply), '450 4.7.1 later\r\n');
  });

  it('sends the reply of a plugin that is done, or nothing', () => {
    assert.equal(replyFor('queue', done()), null);
    const reply = { code: 250, lines: ['mine'] };
    assert.equal(replyFor('queue', done(reply)), reply);
  });
});

describe('syntaxReplyFor', () => {
  it('is 501 for good and 451 for now, 421 when the connection ends with it', () => {
    assert.deepEqual(syntaxReplyFor(deny(), 'bad'), { code: 501, status: '5.5.4', lines: ['bad'] });
    assert.equal(syntaxReplyFor(disconnect(deny()), '').code, 501);
    assert.deepEqual(syntaxReplyFor(denySoft('wait', '4.3.0'), 'bad'), {
      code: 451,
      status: '4.3.0',
      lines: ['wait'],
    });
    assert.equal(syntaxReplyFor(disconnect(denySoft()), '').code, 421);
  });
});

describe('disconnects', () => {
  it('tells the verdicts that end the connection', () => {
    const all: readonly Code[] = ['OK', 'DECLINED', 'DONE', 'DENY', 'DENYSOFT', 'DENY_DISCONNECT'];
    assert.deepEqual(all.filter(disconnects), ['DENY_DISCONNECT']);
    assert.ok(disconnects('DENYSOFT_DISCONNECT'));
  });
});
