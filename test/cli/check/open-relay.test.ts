// check-config's question to the plugins: may strangers relay?

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openRelay } from '../../../src/cli/check/open-relay.ts';
import { contextOf, type Files, texts } from './support.ts';

const mail = { plugins: 'relay\nrcpt_ok\nqueue/maildir Maildir\n', rcpthosts: 'example.org\n' };

async function findings(files: Files, env: NodeJS.ProcessEnv = {}) {
  return openRelay(await contextOf({ ...mail, ...files }, { env }));
}

/** A plugin on disk with these hooks and further words of its definition. */
const own = (hooks: string, words = 'sideEffects: false,') => ({
  plugin_dirs: '@DIR@/own\n',
  './own/own.mjs': `import { writeFileSync } from 'node:fs';
import { definePlugin, ok, declined } from 'qpsmtpd';
export default definePlugin({ name: 'own', summary: 'x', ${words} setup: () => ({ ${hooks} }) });\n`,
});

const takesAll = 'rcpt: () => ok()';

describe('open relay', () => {
  it('is none where rcpt_ok decides', async () => {
    assert.deepEqual(await findings({}), []);
  });

  it('is one where a plugin takes every recipient: it and its line are named', async () => {
    const [finding, ...others] = await findings({ ...own(takesAll), plugins: 'relay\nown\nrcpt_ok\n' });
    assert.deepEqual(others, []);
    assert.equal(finding?.severity, 'error');
    assert.equal(finding?.code, 'OPEN_RELAY');
    assert.equal(finding?.where?.line, 2);
    assert.match(finding?.text ?? '', /RCPT TO:<user@relay-test\.invalid> .* was taken by plugin "own"/);
  });

  it('is none where another plugin refuses before', async () => {
    const plugins = 'rcpt_ok\nown\n';
    assert.deepEqual(await findings({ ...own(takesAll), plugins }), []);
  });

  for (const [what, networks] of [
    ['IPv4', '0.0.0.0/0\n'],
    ['IPv6', '::/0\n'],
    ['the lower half of IPv4', '0.0.0.0/1\n'],
    ['nearly all that is used of IPv6', '2000::/4\n'],
  ] as const) {
    it(`is one where all of ${what} may relay, and says why`, async () => {
      const [finding] = await findings({ relayclients: networks });
      assert.equal(finding?.code, 'OPEN_RELAY');
      assert.match(finding?.hint ?? '', /relayclients/);
    });
  }

  it('is one where everybody may say by XCLIENT that he has logged in', async () => {
    const [finding, ...others] = await findings({ xclient_networks: '127.0.0.1\n0.0.0.0/0\n' });
    assert.deepEqual(others, []);
    assert.equal(finding?.severity, 'error');
    assert.equal(finding?.code, 'OPEN_RELAY');
    assert.match(finding?.text ?? '', /xclient_networks .* XCLIENT/);
  });

  it('may be one where everybody may say by PROXY who he is', async () => {
    const [finding, ...others] = await findings({ proxy_networks: '::/0\n' });
    assert.deepEqual(others, []);
    assert.equal(finding?.severity, 'warning');
    assert.match(finding?.text ?? '', /may be an open relay: proxy_networks /);
  });

  it('is none where the proxies are listed', async () => {
    const networks = '10.0.0.0/8\n192.0.2.0/24\n2001:db8::/32\n';
    assert.deepEqual(await findings({ xclient_networks: networks, proxy_networks: networks }), []);
  });

  it('is one with RELAYCLIENT for everybody', async () => {
    const [finding] = await findings({}, { RELAYCLIENT: '' });
    assert.equal(finding?.code, 'OPEN_RELAY');
  });

  it('is none where a network of the documentation may relay', async () => {
    assert.deepEqual(await findings({ relayclients: '192.0.2.0/24\n2001:db8::/32\n' }), []);
  });

  it('is none where a plugin makes own mailboxes of recipients elsewhere', async () => {
    const rewrites = "rcpt_pre: (at, path) => ({ code: 'OK', value: '<all@example.org>' })";
    assert.deepEqual(await findings({ ...own(rewrites), plugins: 'own\nrcpt_ok\n' }), []);
  });

  it('is one where only a source route gets through', async () => {
    const route =
      "rcpt: (at) => (at.connection.notes.get('envelope_rcpt').startsWith('TO:<@') ? ok() : declined)";
    const [finding] = await findings({ ...own(route), plugins: 'own\nrcpt_ok\n' });
    assert.match(finding?.text ?? '', /RCPT TO:<@example\.org:user@relay-test\.invalid>/);
  });

  it('is not known of one who may make relay clients at another hook', async () => {
    const opens = 'connect: ({ connection }) => { connection.relayClient = true; return declined(); }';
    const plugins = 'own\nrcpt_ok\n';
    assert.match(
      texts(await findings({ ...own(opens, ''), plugins }))[0] ?? '',
      /^info NOT_ASKED whether plugin "own" /,
    );
    assert.deepEqual(await findings({ ...own('connect: () => declined()', ''), plugins }), []);
    const [asked] = await findings({ ...own(opens), plugins });
    assert.equal(asked?.code, 'OPEN_RELAY');
  });

  it('is asked of nobody who may have side effects', async () => {
    const writes = "rcpt: () => { writeFileSync('@DIR@/asked', ''); return ok(); }";
    const context = await contextOf({ ...mail, ...own(writes, ''), plugins: 'own\nrcpt_ok\n' });
    const found = await openRelay(context);
    assert.equal(existsSync(join(context.dir, 'asked')), false);
    assert.deepEqual(texts(found).length, 1);
    assert.match(texts(found)[0] ?? '', /^info NOT_ASKED whether plugin "own" /);
  });

  it('is not spoken of where a plugin says that it has some', async () => {
    const plugins = 'own\nrcpt_ok\n';
    assert.deepEqual(await findings({ ...own(takesAll, 'sideEffects: true,'), plugins }), []);
  });

  it('leaves nothing on the disk', async () => {
    const context = await contextOf({ ...mail, spool_dir: '@DIR@/spool\n' });
    await openRelay(context);
    assert.equal(existsSync(join(context.dir, 'spool')), false);
  });
});

describe('addresses with a way to go on', () => {
  const forward = { plugins: 'badrcptto\nrcpt_ok\nqueue/smtp-forward 192.0.2.25\n' };

  it('are warned of where the next server may follow it', async () => {
    const [finding, ...others] = await findings(forward);
    assert.deepEqual(others, []);
    assert.equal(finding?.severity, 'warning');
    assert.equal(finding?.where?.line, 3);
    for (const way of [
      '<user%relay-test.invalid@example.org>',
      '<relay-test.invalid!user@example.org>',
      '<"user@relay-test.invalid"@example.org>',
    ]) {
      assert.ok(finding?.text.includes(way), `${way} in: ${finding?.text}`);
    }
  });

  it('are not, with the lines of badrcptto that the hint names', async () => {
    assert.deepEqual(await findings({ ...forward, badrcptto: '%\n!\n/@.*@/\n' }), []);
  });

  it('are told apart', async () => {
    const [finding] = await findings({ ...forward, badrcptto: '%\n!\n' });
    assert.doesNotMatch(finding?.text ?? '', /%/);
    assert.match(finding?.text ?? '', /"user@/);
  });
});

describe('a server for nobody', () => {
  it('is warned of where rcpthosts is missing or empty', async () => {
    for (const rcpthosts of ['', '# none yet\n']) {
      const found = texts(await findings({ rcpthosts }));
      assert.equal(found.length, 1);
      assert.match(found[0] ?? '', /^warning NO_DOMAINS .* mx\.example \(config\/me\) alone/);
    }
  });

  it('is none where no plugin reads rcpthosts', async () => {
    assert.deepEqual(await findings({ plugins: 'queue/discard\n', rcpthosts: '' }), []);
  });
});
