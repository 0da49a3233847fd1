// user_config: which file is read for whom, and what a stranger's address or a user's own folder cannot make it read.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Address, declined, definePlugin } from 'qpsmtpd';
import { cleanUp } from '../support/cleanup.ts';
import { findingsFor, stageWith, talkOn } from './plugin-talk.ts';

function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'qpsmtpd-users-'));
  cleanUp(() => rmSync(home, { recursive: true }));
  return home;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

interface Asked {
  readonly lines: readonly string[];
  readonly log: string;
}

/** What `at.config(file, user)` gives a plugin, by the hook user_config. The server's own file says `server`. */
async function ask(pattern: string, user: Address, file = 'list'): Promise<Asked> {
  const seen: (readonly string[])[] = [];
  const asking = definePlugin({
    name: 'asking',
    summary: 'asks',
    setup: () => ({
      async noop(at) {
        seen.push(await at.config(file, user));
        return declined;
      },
    }),
  });
  const stage = await stageWith([`user_config ${pattern}`, 'asking'], {
    plugins: { asking },
    config: { list: ['server'], me: ['me.example'] },
  });
  const talk = await talkOn(stage);
  const reply = await Promise.race([talk.say('NOOP'), wait(5000, 'no answer', { ref: false })]);
  assert.match(reply, /^250 /);
  const [lines] = seen;
  assert.ok(lines);
  return { lines, log: stage.takeLog().join('\n') };
}

describe('user_config', () => {
  for (const [pattern, path] of [
    ['%u', 'Bob'],
    ['%h/%u', 'example.org/Bob'],
    ['of-%a', 'of-Bob@example.org'],
    ['%u/%h/%u', 'Bob/example.org/Bob'],
  ] as const) {
    it(`reads ${path}/list where the pattern ends in ${pattern}`, async () => {
      const home = makeHome();
      write(join(home, path, 'list'), 'own\n');
      const { lines } = await ask(`${home}/${pattern}`, new Address('Bob', 'Example.ORG'));
      assert.deepEqual(lines, ['own']);
    });
  }

  it('tries a local part as it was written before it tries lower case', async () => {
    const home = makeHome();
    write(join(home, 'bob/list'), 'lower\n');
    assert.deepEqual((await ask(`${home}/%u`, new Address('BOB', 'example.org'))).lines, ['lower']);
    write(join(home, 'BOB/list'), 'capitals\n');
    assert.deepEqual((await ask(`${home}/%u`, new Address('BOB', 'example.org'))).lines, ['capitals']);
  });

  it('has one folder for both spellings of a domain, and the name of this host for a bare postmaster', async () => {
    const home = makeHome();
    write(join(home, 'xn--bcher-kva.example/list'), 'books\n');
    write(join(home, 'me.example/list'), 'me\n');
    for (const domain of ['bücher.example', 'XN--BCHER-KVA.example']) {
      assert.deepEqual((await ask(`${home}/%h`, new Address('bob', domain))).lines, ['books']);
    }
    assert.deepEqual((await ask(`${home}/%h`, new Address('postmaster', ''))).lines, ['me']);
  });

  it('reads lines as of any config file, and follows no $include', async () => {
    const home = makeHome();
    write(join(home, 'secret'), 'secret\n');
    write(
      join(home, 'bob/list'),
      `# comment\n\n  one \r\n$include ${home}/secret\nt\u0001wo\nthr\tee\n#\nlast`,
    );
    const { lines } = await ask(`${home}/%u`, new Address('bob', 'example.org'));
    assert.deepEqual(lines, ['one', 'thr\tee', 'last']);
  });

  it('takes an empty file for an answer', async () => {
    const home = makeHome();
    write(join(home, 'bob/list'), '');
    assert.deepEqual((await ask(`${home}/%u`, new Address('bob', 'example.org'))).lines, []);
  });

  it('leaves a user without a file, or without a folder, to the file of the server, and says nothing', async () => {
    const home = makeHome();
    write(join(home, 'bob/other'), 'own\n');
    write(join(home, 'file'), 'no folder\n');
    for (const local of ['bob', 'alice', 'file', 'x'.repeat(300)]) {
      const { lines, log } = await ask(`${home}/%u`, new Address(local, 'example.org'));
      assert.deepEqual(lines, ['server'], local);
      assert.ok(!log.includes('fail'), log);
    }
  });

  for (const local of [
    '../bob',
    'bob/../bob',
    '/bob',
    'bob/',
    'a/bob',
    '.',
    '..',
    '.bob',
    'bo\0b',
    'bob\n',
    '\x7f',
    '',
  ]) {
    it(`makes no path of the local part ${JSON.stringify(local)}`, async () => {
      const home = makeHome();
      for (const path of ['bob/list', 'a/bob/list', '.bob/list', 'list', 'x/list', 'x/.bob/list']) {
        write(join(home, path), 'of somebody else\n');
      }
      for (const pattern of [`${home}/%u`, `${home}/x/%u`, `${home}/x/%a`]) {
        assert.deepEqual((await ask(pattern, new Address(local, 'example.org'))).lines, ['server']);
      }
    });
  }

  for (const file of ['../list', 'sub/list', '/list', '.list', '..', 'li\0st', 'li\nst', '']) {
    it(`has no file ${JSON.stringify(file)}`, async () => {
      const home = makeHome();
      for (const path of ['list', 'bob/list', 'bob/sub/list', 'bob/.list']) write(join(home, path), 'own\n');
      assert.deepEqual((await ask(`${home}/%u`, new Address('bob', 'example.org'), file)).lines, []);
    });
  }

  const oddities: Readonly<Record<string, (path: string) => void>> = {
    'it is a link': (path) => {
      write(`${path}.target`, 'secret\n');
      symlinkSync(`${path}.target`, path);
    },
    'no plain file': (path) => mkdirSync(path),
    'is too big': (path) => writeFileSync(path, 'x\n'.repeat(600_000)),
  };
  for (const [why, make] of Object.entries(oddities)) {
    it(`reads only plain files: ${why}`, async () => {
      const home = makeHome();
      mkdirSync(join(home, 'bob'));
      make(join(home, 'bob/list'));
      const { lines, log } = await ask(`${home}/%u`, new Address('bob', 'example.org'));
      assert.deepEqual(lines, ['server']);
      assert.match(log, new RegExp(`user_config: fail, \\S+/bob/list .*${why}`));
    });
  }

  it('does not wait for the other end of a pipe', async () => {
    const home = makeHome();
    mkdirSync(join(home, 'bob'));
    assert.equal(spawnSync('mkfifo', [join(home, 'bob/list')]).status, 0);
    const { lines, log } = await ask(`${home}/%u`, new Address('bob', 'example.org'));
    assert.deepEqual(lines, ['server']);
    assert.match(log, /bob\/list is no plain file/);
  });

  it('wants a pattern that is a path and tells users apart', async () => {
    for (const [pattern, text] of [
      ['users/%u', /is no absolute path/],
      ['/etc/users', /has none of %u, %h and %a in it/],
    ] as const) {
      const [finding] = await findingsFor([`user_config ${pattern}`]);
      assert.match(finding?.text ?? '', text);
    }
    assert.deepEqual(await findingsFor(['user_config']), []);
  });
});
