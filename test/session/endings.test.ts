// However a session ends, the hooks of its end run once and in order, the connection is closed once, and nothing is
// left in the spool.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { deny, denySoft, disconnect } from '../../src/contract/verdict.ts';
import { begin, MESSAGE, type Talk } from './support.ts';

interface End {
  readonly seen: string[];
  readonly table: HookTable;
}

/** Watches the hooks of the end, and whose message the transaction was. */
function watchEnd(): End {
  const seen: string[] = [];
  const table: HookTable = {
    disconnect: ({ transaction }) => void seen.push(`disconnect ${transaction.sender?.path ?? '-'}`),
    reset_transaction: ({ transaction }) =>
      void seen.push(`reset_transaction ${transaction.sender?.path ?? '-'}`),
    'post-connection': ({ transaction }) =>
      void seen.push(`post-connection ${transaction.sender?.path ?? '-'}`),
  };
  return { seen, table };
}

const BIG = { size_threshold: ['0'] };
const EMPTY = ['disconnect -', 'reset_transaction -', 'post-connection -'];
const WITH_MESSAGE = ['disconnect <a@a.example>', 'reset_transaction <a@a.example>', 'post-connection -'];

interface Ending {
  readonly title: string;
  readonly hooks?: HookTable;
  readonly config?: Readonly<Record<string, readonly string[]>>;
  readonly end: (talk: Talk) => Promise<unknown>;
  /** last reply */
  readonly says: RegExp;
  readonly seen: readonly string[];
}

async function inData(talk: Talk): Promise<void> {
  await talk.openData();
  await talk.send('Subject: x\r\n\r\nsome text\r\n');
}

const endings: readonly Ending[] = [
  { title: 'QUIT', end: (talk) => talk.say('QUIT'), says: /^221 2\.0\.0/, seen: EMPTY },
  {
    title: 'QUIT with a transaction under way',
    end: (talk) => talk.say('EHLO c.example', 'MAIL FROM:<a@a.example>', 'QUIT'),
    says: /^221 2\.0\.0/m,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'a client that closes',
    end: async (talk) => talk.wire.finish(),
    says: /^$/,
    seen: EMPTY,
  },
  {
    title: 'a client that breaks off within a message',
    end: async (talk) => {
      await inData(talk);
      talk.wire.break();
    },
    says: /^$/,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'a client that is silent',
    end: async (talk) => talk.wire.expire(),
    says: /^421 4\.4\.2 /,
    seen: EMPTY,
  },
  {
    title: 'a client that is silent within a message',
    end: async (talk) => {
      await inData(talk);
      talk.wire.expire();
    },
    says: /^421 4\.4\.2 /,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'smuggling',
    end: async (talk) => {
      await inData(talk);
      await talk.send('\n.\r\nMAIL FROM:<x@x.example>\r\n');
    },
    says: /^421 4\.5\.2 [^\n]*$/,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'a bare LF where they are refused',
    config: { bare_newline: ['192.0.2.0/24 reject'] },
    end: async (talk) => {
      await inData(talk);
      await talk.send('one\ntwo\r\n.\r\n');
    },
    says: /^521 5\.5\.2 /,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'a denial of the connection',
    hooks: { connect: () => deny('go away') },
    end: async () => {},
    says: /^550 5\.7\.1 go away$/,
    seen: EMPTY,
  },
  {
    title: 'a denial that disconnects',
    hooks: { mail: () => disconnect(denySoft('not now')) },
    end: (talk) => talk.say('EHLO c.example', 'MAIL FROM:<a@a.example>', 'NOOP'),
    says: /^421 4\.7\.1 not now$/m,
    seen: ['reset_transaction -', ...EMPTY],
  },
  {
    title: 'a denial of the message that disconnects',
    hooks: { data_post: () => disconnect(deny('spam')) },
    end: async (talk) => {
      await inData(talk);
      await talk.send('.\r\nNOOP\r\n');
    },
    says: /^552 5\.7\.1 spam$/,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'a denial of the header that disconnects, with the message still coming',
    hooks: { data_headers_end: () => disconnect(deny('bad header')) },
    end: async (talk) => {
      await talk.openData();
      await talk.send('Subject: x\r\n\r\nmore\r\n');
    },
    says: /^554 5\.7\.1 bad header$/,
    seen: ['reset_transaction -', ...WITH_MESSAGE],
  },
  {
    title: 'the end of the server',
    end: async (talk) => {
      talk.stop();
      await talk.say('NOOP');
    },
    says: /^421 4\.3\.2 /,
    seen: EMPTY,
  },
  {
    title: 'too many commands without a mail',
    config: { max_commands_without_mail: ['1'] },
    end: (talk) => talk.say('NOOP', 'NOOP', 'NOOP'),
    says: /^421 4\.7\.0 [^\n]*$/m,
    seen: EMPTY,
  },
  {
    title: 'QUIT after a message',
    end: async (talk) => {
      await talk.openData();
      await talk.send(`${MESSAGE}QUIT\r\n`);
    },
    says: /^250 2\.0\.0 queued\n221 2\.0\.0 [^\n]*$/,
    seen: ['reset_transaction -', 'reset_transaction <a@a.example>', ...EMPTY],
  },
];

describe('the end of a session', () => {
  for (const { title, hooks = {}, config = {}, end, says, seen } of endings) {
    it(title, async () => {
      const watched = watchEnd();
      const talk = await begin({
        plugins: { watcher: watched.table, actor: hooks },
        config: { ...BIG, ...config },
      });
      await end(talk);
      await talk.over;
      assert.equal(talk.wire.closings, 1);
      assert.deepEqual(watched.seen, seen);
      assert.deepEqual(talk.spooled, []);
      const last = talk.wire.writes.at(-1)?.trimEnd().replaceAll('\r\n', '\n') ?? '';
      assert.match(says.source === '^$' ? '' : last, says);
    });
  }

  it('tells handlers by their signal when the client is gone', async () => {
    let aborted = false;
    const talk = await begin({
      plugins: {
        slow: {
          noop: ({ connection }) =>
            new Promise((resolve) => {
              connection.signal.addEventListener('abort', () => {
                aborted = true;
                resolve(deny('nobody hears this'));
              });
            }),
        },
      },
    });
    talk.wire.send('NOOP\r\n');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(aborted, false);
    talk.wire.break();
    await talk.over;
    assert.equal(aborted, true);
    assert.equal(talk.session.ended, 'lost');
  });

  it('comes with the reply to a denial before it, not after the hooks of the end', async () => {
    let written = -1;
    const talk = await begin({
      plugins: {
        actor: {
          noop: () => disconnect(deny()),
          disconnect: () => {
            written = talk.wire.writes.length;
          },
        },
      },
    });
    const greeting = talk.wire.writes.length;
    await talk.say('NOOP');
    await talk.over;
    assert.equal(written, greeting + 1);
  });
});
