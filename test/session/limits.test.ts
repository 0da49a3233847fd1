// Limits of time and patience, on a clock that is set by hand (quirk 12 of the original, which had none of them).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import type { Clock } from '../../src/contract/plugin.ts';
import { definePlugin } from '../../src/contract/plugin.ts';
import { declined, deny, ok } from '../../src/contract/verdict.ts';
import { stageWith, talkOn } from '../plugins/plugin-talk.ts';
import { HandClock } from '../server/support.ts';
import type { Talk } from './support.ts';
import { MESSAGE } from './support.ts';

interface Setting {
  readonly config?: Readonly<Record<string, readonly string[]>>;
  readonly hooks?: (clock: HandClock) => HookTable;
  readonly lines?: readonly string[];
}

async function begin({ config = {}, hooks = () => ({}), lines = [] }: Setting = {}) {
  const clock = new HandClock();
  const actor = definePlugin({ name: 'actor', summary: 'of a test', setup: () => hooks(clock) });
  const handSet: Clock = clock;
  const stage = await stageWith(['actor', ...lines], { clock: handSet, config, plugins: { actor } });
  const talk = await talkOn(stage);
  const pass = (seconds: number) => {
    clock.ms += seconds * 1000;
  };
  return { talk, stage, pass };
}

async function openData(talk: Talk): Promise<void> {
  assert.match(
    await talk.say('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'),
    /^354 /m,
  );
}

const repeated = (line: string, times: number) => Array.from({ length: times }, () => line);
const isCutOff = async (talk: Talk, reply: string, words: RegExp) => {
  assert.match(reply, words);
  await talk.over;
  assert.ok(talk.isClosed);
};

describe('a command', () => {
  it('has to come whole within the timeout, however many octets of it come', async () => {
    const { talk, pass } = await begin({ config: { timeout: ['100'] } });
    for (const octet of 'NOO') {
      pass(30);
      assert.equal(await talk.send(octet), '');
    }
    pass(11);
    await isCutOff(talk, await talk.send('P'), /^421 4\.4\.2 no command came for too long$/);
  });

  it('has the time anew when the one before it has been answered', async () => {
    const { talk, pass } = await begin({ config: { timeout: ['100'] } });
    for (let at = 0; at < 3; at++) {
      pass(60);
      assert.equal(await talk.send('NOO'), '');
      pass(39);
      assert.match(await talk.send('P\r\n'), /^250 /);
    }
  });

  it('that is a line of AUTH has no more time', async () => {
    const { talk, pass } = await begin({
      config: { timeout: ['100'] },
      hooks: () => ({ 'auth-login': () => ok() }),
    });
    assert.match(await talk.say('EHLO c', 'AUTH LOGIN'), /^334 /m);
    pass(60);
    assert.equal(await talk.send('dXNl'), '');
    pass(41);
    await isCutOff(talk, await talk.send('cg=='), /^421 4\.4\.2 /);
  });

  it('comes in vain when the session has lasted for max_session_time', async () => {
    const { talk, pass } = await begin({ config: { max_session_time: ['1000'] } });
    for (let at = 0; at < 9; at++) {
      pass(100);
      assert.match(await talk.say('NOOP'), /^250 /);
    }
    pass(101);
    await isCutOff(talk, await talk.say('NOOP'), /421 4\.4\.2 you have been here for too long$/);
  });

  it('may come at any time with max_session_time 0', async () => {
    const { talk, pass } = await begin({ config: { max_session_time: ['0'] } });
    pass(100_000);
    assert.match(await talk.say('NOOP'), /^250 /);
    const byDefault = await begin();
    byDefault.pass(14_401);
    assert.match(await byDefault.talk.say('NOOP'), /^421 |\n421 /);
  });
});

describe('a message', () => {
  it('that comes an octet at a time ends the session once it was waited for a minute', async () => {
    const { talk, stage, pass } = await begin();
    await openData(talk);
    for (let at = 0; at < 6; at++) {
      pass(10);
      assert.equal(await talk.send('x'), '');
    }
    stage.takeLog();
    pass(10);
    await isCutOff(talk, await talk.send('x'), /^421 4\.4\.2 /);
    assert.match(stage.takeLog().join('\n'), /the message comes too slowly/);
  });

  it('may come as slowly as min_transfer_rate says, on average', async () => {
    const { talk, pass } = await begin({ config: { min_transfer_rate: ['10'] } });
    await openData(talk);
    for (let at = 0; at < 20; at++) {
      pass(100);
      assert.equal(await talk.send(`${'x'.repeat(998)}\r\n`), '');
    }
    pass(101);
    await isCutOff(talk, await talk.send('x'), /^421 4\.4\.2 /);
  });

  it('may come at any pace with min_transfer_rate 0', async () => {
    const { talk, pass } = await begin({ config: { min_transfer_rate: ['0'] } });
    await openData(talk);
    for (const octet of MESSAGE) {
      pass(50);
      await talk.send(octet);
    }
    assert.match(await talk.say('NOOP'), /^250 /);
  });

  it('is not blamed for the time that plugins take', async () => {
    const { talk, pass } = await begin({
      hooks: (clock) => ({
        data_headers_end: () => {
          clock.ms += 500_000;
          return declined;
        },
      }),
    });
    await openData(talk);
    pass(1);
    assert.equal(await talk.send('Subject: x\r\n\r\n'), '');
    pass(1);
    assert.match(await talk.send('.\r\n'), /^250 /);
  });

  it('that comes by BDAT is judged as a whole', async () => {
    const { talk, pass } = await begin();
    await talk.say('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
    for (let at = 0; at < 3; at++) {
      pass(28);
      assert.match(await talk.send('BDAT 1\r\nx'), /^250 /);
    }
    pass(28);
    await isCutOff(talk, await talk.send('BDAT 1\r\nx'), /421 4\.4\.2 /);
  });

  it('begins with a clean slate behind another one', async () => {
    const { talk, pass } = await begin();
    for (let at = 0; at < 3; at++) {
      await openData(talk);
      pass(40);
      assert.match(await talk.send(MESSAGE), /^250 /);
    }
  });
});

describe('max_errors', () => {
  const config = { max_errors: ['5'] };

  it('ends the session behind one refused command more', async () => {
    const { talk } = await begin({ config });
    assert.doesNotMatch(await talk.say(...repeated('NONSENSE', 5)), /421/);
    await isCutOff(talk, await talk.say('NONSENSE'), /\n421 4\.7\.0 too many errors$/);
  });

  it('counts lines that are too long', async () => {
    const { talk } = await begin({ config });
    await isCutOff(talk, await talk.say(...repeated('x'.repeat(600), 6)), /\n421 4\.7\.0 too many errors$/);
  });

  it('does not count refused recipients, whoever refuses them', async () => {
    const { talk } = await begin({ config, hooks: () => ({ rcpt: () => deny() }) });
    await talk.say('EHLO c', 'MAIL FROM:<a@a.example>');
    const replies = await talk.say(
      ...repeated('RCPT TO:<b@b.example>', 50),
      ...repeated('rcpt nonsense', 50),
    );
    assert.equal(replies.split('\n').length, 100);
    assert.doesNotMatch(replies, /^[24]/m);
    assert.match(await talk.say('NOOP'), /^250 /);
  });

  it('starts anew behind a message that was taken, not behind one that was refused', async () => {
    const verdicts = [ok(), deny(), deny()];
    const { talk } = await begin({ config, hooks: () => ({ queue: () => verdicts.shift() ?? declined }) });
    await talk.say(...repeated('NONSENSE', 4));
    for (const code of [250, 552]) {
      await openData(talk);
      assert.match(await talk.send(MESSAGE), new RegExp(`^${code} `));
      await talk.say(...repeated('NONSENSE', code === 250 ? 3 : 0));
    }
    await openData(talk);
    assert.doesNotMatch(await talk.send(MESSAGE), /421/);
    await isCutOff(talk, await talk.say('NONSENSE'), /\n421 4\.7\.0 too many errors$/);
  });

  it('is no limit when it is 0', async () => {
    const { talk } = await begin({ config: { max_errors: ['0'] } });
    assert.doesNotMatch(await talk.say(...repeated('NONSENSE', 500)), /421/);
  });
});

describe('under stress', () => {
  it('a client has ten seconds for a command', async () => {
    const { talk, pass } = await begin();
    talk.stress();
    pass(9);
    assert.match(await talk.say('NOOP'), /^250 /);
    assert.equal(await talk.send('N'), '');
    pass(11);
    await isCutOff(talk, await talk.send('O'), /^421 4\.4\.2 /);
  });

  it('three errors are enough', async () => {
    const { talk } = await begin();
    talk.stress();
    await isCutOff(talk, await talk.say(...repeated('NONSENSE', 4)), /\n421 4\.7\.0 too many errors$/);
  });

  it('twenty commands without a mail are enough', async () => {
    const { talk } = await begin();
    talk.stress();
    const replies = await talk.say(...repeated('NOOP', 30));
    assert.equal(replies.match(/^250 /gm)?.length, 21);
    await isCutOff(talk, replies, /\n421 4\.7\.0 too many commands without a mail$/);
  });

  it('one failed login is enough', async () => {
    const config = { auth_failure_delay: ['0'] };
    const { talk } = await begin({ config, hooks: () => ({ 'auth-plain': () => deny() }) });
    talk.stress();
    await talk.say('EHLO c');
    const login = `AUTH PLAIN ${Buffer.from('\0user\0wrong').toString('base64')}`;
    await isCutOff(talk, await talk.say(login), /^535 .*\n421 4\.7\.0 too many failed logins$/);
  });
});
