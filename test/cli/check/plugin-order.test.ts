// Lines of config/plugins in an order in which they cannot do their work.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bundledPlugins } from '../../../plugins/index.ts';
import { orderFindings } from '../../../src/cli/check/plugin-order.ts';
import { usualOrders } from '../../../src/cli/check/usual-orders.ts';
import { shown } from './shown.ts';
import { contextOf, type Files } from './support.ts';

async function found(files: Files): Promise<string[]> {
  const { engine, dir, findings } = await contextOf(files);
  assert.deepEqual(findings, []);
  return shown(dir, orderFindings(engine));
}

/** Plugins on disk by these names, each with the hooks given, all of which decline. */
function own(plugins: Readonly<Record<string, { hooks: string; words?: string }>>): Files {
  const files = Object.entries(plugins).map(([name, { hooks, words = '' }]) => {
    const table = hooks.split(' ').map((hook) => `'${hook}': () => declined`);
    const text = `import { declined, definePlugin } from 'qpsmtpd';
export default definePlugin({ name: '${name}', summary: 'x', ${words} setup: () => ({ ${table.join(', ')} }) });\n`;
    return [`./own/${name}.mjs`, text] as const;
  });
  return { plugin_dirs: '@DIR@/own\n', ...Object.fromEntries(files) };
}

describe('order of plugins', () => {
  it('is nothing to speak of where it is as it should be', async () => {
    const plugins = [
      'loadcheck',
      'relay',
      'earlytalker',
      'auth/auth_flat_file',
      'auth/authdeny',
      'count_unrecognized_commands',
      'badmailfrom reject naughty',
      'badrcptto',
      'naughty',
      'rcpt_ok',
      'queue/maildir Maildir',
      'quit_fortune',
    ];
    assert.deepEqual(await found({ plugins: plugins.join('\n') }), []);
  });

  it('has rcpt_ok behind all that have a say on recipients: both lines are told', async () => {
    const plugins = 'relay\nrcpt_ok\nbadrcptto\nbadmailfrom\nnaughty\n';
    assert.deepEqual(await found({ plugins }), [
      'warning PLUGIN_ORDER plugins:2: plugin "rcpt_ok" stands above "badrcptto" (line 3) and "naughty" (line 5): it ' +
        'decides on each recipient, so they are never asked about one (put it below line 5)',
    ]);
  });

  it('counts by hooks: naughty at DATA may stand behind rcpt_ok', async () => {
    assert.deepEqual(await found({ plugins: 'rcpt_ok\nnaughty reject data\n' }), []);
  });

  it('names the other file where a line was included from one', async () => {
    const files = { plugins: 'rcpt_ok\n$include more\n', more: '\nbadrcptto\n' };
    const [line] = await found(files);
    assert.match(
      line ?? '',
      /^warning PLUGIN_ORDER plugins:1: .* above "badrcptto" \(more:2\): .*below more:2\)$/,
    );
  });

  it('says nothing where the operator makes rcpt_ok decline', async () => {
    assert.deepEqual(await found({ plugins: 'rcpt_ok reject 0\nbadrcptto\n' }), []);
    assert.equal((await found({ plugins: 'rcpt_ok reject 1\nbadrcptto\n' })).length, 1);
  });

  it('has earlytalker below the plugins that know whom not to check', async () => {
    assert.deepEqual(await found({ plugins: 'earlytalker\nrelay\n' }), [
      'warning PLUGIN_ORDER plugins:1: plugin "earlytalker" stands above "relay" (line 2): clients that they would let ' +
        'pass are checked all the same, and wait for their greeting (put it below line 2)',
    ]);
    assert.deepEqual(await found({ plugins: 'earlytalker check-at DATA\nrelay\n' }), []);
  });

  it('has loadcheck above what costs time', async () => {
    assert.deepEqual(await found({ plugins: 'relay\nearlytalker\nloadcheck\n' }), [
      'warning PLUGIN_ORDER plugins:3: plugin "loadcheck" stands below "earlytalker" (line 2): clients that are sent ' +
        'away for the load cost their work and time first (put it above line 2)',
    ]);
  });

  it('has count_unrecognized_commands below tls and all others that know commands', async () => {
    const plugins = 'count_unrecognized_commands\nstunnel proxy on\n';
    const [line] = await found({ plugins });
    assert.match(
      line ?? '',
      /^warning PLUGIN_ORDER plugins:1: .*"stunnel" \(line 2\): commands that only they know/,
    );
  });

  it('has auth/authdeny below others that take logins by any mechanism', async () => {
    const mine = own({ mine: { hooks: 'auth' } });
    const [line] = await found({ ...mine, plugins: 'auth/authdeny\nmine\n' });
    assert.match(line ?? '', /^warning PLUGIN_ORDER plugins:1: plugin "auth\/authdeny" stands above "mine"/);
    // Those for one mechanism are asked before it, wherever they stand.
    assert.deepEqual(await found({ plugins: 'auth/authdeny\nauth/auth_flat_file\n' }), []);
  });
});

describe('order of queue plugins', () => {
  const plugins = 'queue/maildir Maildir\nqueue/discard\nqueue/maildir:1 Other\n';

  it('tells those that are never asked', async () => {
    assert.deepEqual(await found({ plugins }), [
      'warning PLUGIN_ORDER plugins:1: plugin "queue/maildir" stands above "queue/discard" (line 2) and ' +
        '"queue/maildir:1" (line 3): it takes or refuses each message, so they get only what queue_routes gives them ' +
        '(put it below line 3)',
    ]);
  });

  it('does not count those with routes', async () => {
    const queue_routes = 'a.example queue/discard\nb.example queue/maildir:1\n';
    assert.deepEqual(await found({ plugins, queue_routes }), []);
  });

  it('does not count where users choose', async () => {
    assert.deepEqual(await found({ plugins: `user_config\n${plugins}` }), []);
  });

  it('does not count the one behind queue/spool', async () => {
    const spool = 'queue/spool @DIR@/spool via queue/maildir Maildir\n';
    assert.deepEqual(await found({ plugins: spool }), []);
    assert.equal((await found({ plugins: `${spool}queue/discard\n` })).length, 1);
  });
});

describe('order of plugins of a site', () => {
  it('has dmarc below SPF and DKIM, as qpsmtpd has it', async () => {
    const hooks = 'data_post_headers';
    const files = own({ dmarc: { hooks }, dkim: { hooks }, sender_permitted_from: { hooks } });
    assert.deepEqual(await found({ ...files, plugins: 'dkim\ndmarc\nsender_permitted_from\n' }), [
      'warning PLUGIN_ORDER plugins:2: plugin "dmarc" stands above "sender_permitted_from" (line 3): it judges by their ' +
        'results, which are not there yet, so that good mail fails (put it below line 3)',
    ]);
    assert.deepEqual(await found({ ...files, plugins: 'sender_permitted_from\ndkim\ndmarc\n' }), []);
  });

  it('is not said here for plugins that come with the server', () => {
    const both = Object.keys(usualOrders).filter((name) => Object.hasOwn(bundledPlugins, name));
    assert.deepEqual(both, [], 'give them an order of their own, and take them out of usual-orders.ts');
  });

  it('is what a plugin says itself, in place of that', async () => {
    const words = "order: [{ hook: 'data_post', before: ['quiet'], otherwise: 'it is late' }],";
    const files = own({
      dmarc: { hooks: 'data_post data_post_headers', words },
      dkim: { hooks: 'data_post_headers' },
      quiet: { hooks: 'data_post' },
    });
    assert.deepEqual(await found({ ...files, plugins: 'quiet\ndmarc\ndkim\n' }), [
      'warning PLUGIN_ORDER plugins:2: plugin "dmarc" stands below "quiet" (line 1): it is late (put it above line 1)',
    ]);
  });

  for (const order of [
    '5',
    "[{ hook: 'rctp', otherwise: 'x' }]",
    "[{ hook: 'rcpt' }]",
    "[{ hook: 'rcpt', after: 'x', otherwise: 'y' }]",
  ]) {
    it(`is a mistake of the plugin as ${order}`, async () => {
      const mine = own({ mine: { hooks: 'rcpt', words: `order: ${order},` } });
      const { dir, findings } = await contextOf({ ...mine, plugins: 'mine\n' });
      assert.match(
        shown(dir, findings)[0] ?? '',
        /^error NOT_A_PLUGIN plugins:1: plugin "mine" has an order that is no/,
      );
    });
  }
});
