// Hooks by which a plugin takes the reading or the answer of a command out of the core's hands: for each of them,
// what becomes of a value, of a denial, and of DECLINED.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Denial } from '../../src/contract/codes.ts';
import type { HookTable } from '../../src/contract/hooks.ts';
import {
  answer,
  declined,
  deny,
  denySoft,
  disconnect,
  done,
  ok,
  type Verdict,
} from '../../src/contract/verdict.ts';
import { begin, MESSAGE, type Talk } from './support.ts';

const HELLO = 'EHLO client.example';
const MAIL = 'MAIL FROM:<a@a.example>';

/** A session with a site's plugin before one that takes recipients and messages, after these lines. */
async function siteWith(table: HookTable, ...lines: readonly string[]): Promise<Talk> {
  const takes: HookTable = {
    rcpt: (_at, recipient) => ok(`taken: ${recipient}`),
    mail: (_at, sender) => ok(`from: ${sender}`),
  };
  const talk = await begin({ plugins: { site: table, takes } });
  if (lines.length > 0) assert.doesNotMatch(await talk.say(...lines), /^[45]/m);
  return talk;
}

type Case = readonly [denial: Verdict<Denial>, reply: string | RegExp, isOver: boolean];

/** What becomes of the denials of a parsing hook. */
const malformed: readonly Case[] = [
  [deny('no'), '501 5.5.4 no', false],
  [deny(), /^501 5\.5\.4 ./, false],
  [denySoft('later'), '451 4.5.4 later', false],
  [disconnect(deny('no')), '501 5.5.4 no', true],
  [disconnect(denySoft('later')), '421 4.5.4 later', true],
];

async function refuses(
  cases: readonly Case[],
  site: (verdict: Verdict<Denial>) => Promise<Talk>,
  line: string,
): Promise<void> {
  for (const [verdict, reply, isOver] of cases) {
    const talk = await site(verdict);
    const said = await talk.say(line);
    if (typeof reply === 'string') assert.equal(said, reply);
    else assert.match(said, reply);
    assert.equal(talk.isClosed, isOver, `${verdict.code}: ${said}`);
  }
}

describe('ehlo_parse and helo_parse', () => {
  for (const verb of ['ehlo', 'helo'] as const) {
    const hook = `${verb}_parse` as const;
    it(`${hook} gives the name of the host`, async () => {
      let heard = '';
      const talk = await siteWith({
        [hook]: (_at: unknown, argument: string) =>
          answer({ host: `${argument.replaceAll(' ', '-')}.example` }),
        [verb](_at: unknown, host: string) {
          heard = host;
          return declined;
        },
      });
      assert.match(await talk.say(`${verb} my host`), /^250/);
      assert.equal(heard, 'my-host.example');
      assert.deepEqual(talk.session.connection.hello, { verb, host: 'my-host.example' });
    });

    it(`${hook} refuses`, () =>
      refuses(malformed, (verdict) => siteWith({ [hook]: () => verdict }), `${verb} client.example`));

    it(`${hook} leaves it to the core`, async () => {
      const talk = await siteWith({ [hook]: () => declined });
      assert.match(await talk.say(`${verb} client.example and more`), /^250/);
      assert.equal(talk.session.connection.hello?.host, 'client.example');
      assert.match(await talk.say(verb), /^501 5\.5\.4 /);
    });
  }
});

describe('auth_parse', () => {
  const logsIn: HookTable = {
    'auth-plain': (_at, { user, password }) => (user === 'u' && password === 'p' ? ok() : deny()),
  };
  const U_AND_P = Buffer.from('\0u\0p').toString('base64');

  it('gives mechanism and initial response', async () => {
    let heard = '';
    const auth_parse: HookTable['auth_parse'] = (_at, argument) => {
      heard = argument;
      return answer({ mechanism: 'plain', initialResponse: U_AND_P });
    };
    const talk = await siteWith({ ...logsIn, auth_parse }, HELLO);
    assert.match(await talk.say('AUTH in a way  of mine'), /^235 /);
    assert.equal(heard, 'in a way  of mine');
    assert.equal(talk.session.connection.authentication?.user, 'u');
  });

  it('refuses', () =>
    refuses(
      malformed,
      (verdict) => siteWith({ ...logsIn, auth_parse: () => verdict }, HELLO),
      `AUTH PLAIN ${U_AND_P}`,
    ));

  it('leaves it to the core', async () => {
    const talk = await siteWith({ ...logsIn, auth_parse: () => declined }, HELLO);
    assert.match(await talk.say('AUTH'), /^501 5\.5\.4 /);
    assert.match(await talk.say(`AUTH PLAIN ${U_AND_P}`), /^235 /);
  });
});

describe('mail_parse and rcpt_parse', () => {
  it('give path and parameters', async () => {
    const talk = await siteWith(
      {
        mail_parse: () => answer({ path: '<x@x.example>', params: new Map([['SIZE', '7']]) }),
        rcpt_parse: (_at, argument) => answer({ path: `<${argument}@x.example>`, params: new Map() }),
      },
      HELLO,
    );
    assert.equal(await talk.say('MAIL whatever'), '250 2.1.0 from: x@x.example');
    assert.deepEqual([...talk.session.transaction.params], [['SIZE', '7']]);
    assert.equal(await talk.say('RCPT user'), '250 2.1.5 taken: user@x.example');
  });

  it('give a path that is looked at like any other', async () => {
    const nonsense = () => answer({ path: 'nobody', params: new Map() });
    const talk = await siteWith({ mail_parse: nonsense }, HELLO);
    assert.equal(await talk.say(MAIL), '501 5.1.7 sender address is malformed');
    const other = await siteWith({ rcpt_parse: nonsense }, HELLO, MAIL);
    assert.equal(await other.say('RCPT TO:<b@b.example>'), '501 5.1.3 recipient address is malformed');
  });

  it('refuse', async () => {
    await refuses(malformed, (verdict) => siteWith({ mail_parse: () => verdict }, HELLO), MAIL);
    await refuses(
      malformed,
      (verdict) => siteWith({ rcpt_parse: () => verdict }, HELLO, MAIL),
      'RCPT TO:<b@b.example>',
    );
  });

  it('leave it to the core', async () => {
    const talk = await siteWith({ mail_parse: () => declined, rcpt_parse: () => declined }, HELLO);
    assert.equal(await talk.say(`${MAIL} SIZE=9`), '250 2.1.0 from: a@a.example');
    assert.deepEqual([...talk.session.transaction.params], [['SIZE', '9']]);
    assert.match(await talk.say('RCPT user'), /^501 5\.5\.4 Syntax/);
  });
});

describe('mail_pre and rcpt_pre', () => {
  it('give another path', async () => {
    const talk = await siteWith(
      {
        mail_pre: (_at, path, params) => answer(`<new-${params.get('SIZE')}-${path.slice(1)}`),
        rcpt_pre: (_at, path) => answer(path.replace('old.example', 'new.example')),
      },
      HELLO,
    );
    assert.equal(await talk.say(`${MAIL} SIZE=5`), '250 2.1.0 from: new-5-a@a.example');
    assert.equal(await talk.say('RCPT TO:<b@old.example>'), '250 2.1.5 taken: b@new.example');
    assert.deepEqual(talk.session.transaction.recipients.map(String), ['b@new.example']);
  });

  it('refuse, as the hooks mail and rcpt do', async () => {
    await refuses(
      [
        [deny('no'), '550 5.7.1 no', false],
        [denySoft('later'), '450 4.7.1 later', false],
        [disconnect(deny('no')), '550 5.7.1 no', true],
        [disconnect(denySoft('later')), '421 4.7.1 later', true],
      ],
      (verdict) => siteWith({ mail_pre: () => verdict }, HELLO),
      MAIL,
    );
    await refuses(
      [
        [deny(), '550 5.7.1 relaying denied', false],
        [disconnect(denySoft('later')), '421 4.7.1 later', true],
      ],
      (verdict) => siteWith({ rcpt_pre: () => verdict }, HELLO, MAIL),
      'RCPT TO:<b@b.example>',
    );
  });

  it('leave the path as it is', async () => {
    const talk = await siteWith({ mail_pre: () => declined, rcpt_pre: () => declined }, HELLO);
    assert.equal(await talk.say(MAIL), '250 2.1.0 from: a@a.example');
    assert.equal(await talk.say('RCPT TO:<b@b.example>'), '250 2.1.5 taken: b@b.example');
  });
});

describe('received_line', () => {
  async function receivedWith(received_line: HookTable['received_line']): Promise<string | undefined> {
    let field: string | undefined;
    const queue: HookTable = {
      received_line,
      queue({ transaction }) {
        field = transaction.header.get('Received');
        return ok();
      },
    };
    const talk = await begin({ plugins: { 'queue/site': queue } });
    await talk.openData();
    assert.match(await talk.send(MESSAGE), /^250 /);
    return field;
  }

  it('gives the text of the field', async () => {
    const field = await receivedWith((_at, { protocol, connection }) =>
      answer(`from ${connection.remoteHost} by us with ${protocol}`),
    );
    assert.match(field ?? '', /^\s*from client\.example by us with ESMTP\s*$/);
  });

  for (const [what, verdict] of [
    ['declines', declined],
    ['denies, for nobody is left to be refused by it', deny('no')],
  ] as const) {
    it(`leaves the text to the core when it ${what}`, async () => {
      assert.match((await receivedWith(() => verdict)) ?? '', /by mx\.example/);
    });
  }
});

describe('help, vrfy and noop', () => {
  const replies = {
    help: [
      '214 2.0.0 so it is',
      '500 5.5.1 so it is not',
      '450 4.7.0 not now',
      /^214-2\.0\.0 This is qpsmtpd/,
    ],
    vrfy: ['250 2.1.5 so it is', '554 5.7.1 so it is not', '450 4.7.1 not now', /^252 2\.1\.5 /],
    noop: ['250 2.0.0 so it is', '500 5.5.1 so it is not', '450 4.7.0 not now', '250 2.0.0 ok'],
  } as const;
  for (const hook of ['help', 'vrfy', 'noop'] as const) {
    it(`${hook}: the words of the plugin, or the core's`, async () => {
      const verdicts = [ok('so it is'), deny('so it is not'), denySoft('not now'), declined];
      for (const [at, verdict] of verdicts.entries()) {
        let heard = '';
        const talk = await siteWith({
          [hook](_at: unknown, argument: string) {
            heard = argument;
            return verdict;
          },
        });
        const said = await talk.say(`${hook} user  of mine`);
        const expected = replies[hook][at] ?? '';
        if (typeof expected === 'string') assert.equal(said, expected);
        else assert.match(said, expected);
        assert.equal(heard, 'user  of mine');
        assert.equal(talk.isClosed, false);
      }
    });

    it(`${hook}: a reply of its own, and the end of the conversation`, async () => {
      const own = await siteWith({ [hook]: () => done({ code: 299, lines: ['odd', 'but mine'] }) });
      assert.equal(await own.say(hook), '299-odd\n299 but mine');
      const over = await siteWith({ [hook]: () => disconnect(denySoft('go')) });
      assert.equal(await over.say(hook), `421 ${hook === 'vrfy' ? '4.7.1' : '4.7.0'} go`);
      assert.equal(over.isClosed, true);
    });
  }
});
