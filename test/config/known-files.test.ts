import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BareNewline } from '../../src/config/bare-newline.ts';
import { ConfigError } from '../../src/config/errors.ts';
import {
  type KnownFileName,
  type KnownValue,
  knownFileNames,
  knownFiles,
} from '../../src/config/known-files.ts';
import { QueueRoutes } from '../../src/config/queue-routes.ts';
import { NetworkList, parseNetwork } from '../../src/protocol/network.ts';

const around = { hostname: 'host.example', home: '/home/smtpd' };
const toLines = (texts: string[]) => texts.map((text, at) => ({ text, where: { file: 'f', line: at + 1 } }));

function parse(name: KnownFileName, ...texts: string[]): unknown {
  return knownFiles[name].parse(toLines(texts), around);
}

function check(
  name: KnownFileName,
  ...texts: string[]
): [severity: string, code: string, line: number | undefined][] {
  const findings = knownFiles[name].check(toLines(texts), around);
  return findings.map(({ severity, code, where }) => [severity, code, where?.line]);
}

// Types are part of what the table promises: these lines must compile.
export const typed: [number, number | null, string, string | null, readonly string[], BareNewline, boolean] =
  [
    0 satisfies KnownValue<'databytes'>,
    null satisfies KnownValue<'timeoutsmtpd'>,
    '' satisfies KnownValue<'me'>,
    null satisfies KnownValue<'smtpgreeting'>,
    [] satisfies KnownValue<'rcpthosts'>,
    { default: 'reject', networks: [] } satisfies KnownValue<'bare_newline'>,
    true satisfies KnownValue<'tls_before_auth'>,
  ];
// @ts-expect-error the size limit is a number
export const wrong: KnownValue<'databytes'> = '10';
// @ts-expect-error it always has a value
export const missing: KnownValue<'databytes'> = null;

describe('knownFiles', () => {
  const defaults: [KnownFileName, unknown][] = [
    ['me', 'host.example'],
    ['me-auth-results', null],
    ['smtpgreeting', null],
    ['plugins', []],
    ['logging', []],
    ['plugin_dirs', []],
    ['loglevel', 'warn'],
    ['timeout', 1200],
    ['timeoutsmtpd', null],
    ['hook_timeout', 60],
    ['databytes', 0],
    ['size_threshold', 262_144],
    ['spool_dir', '/home/smtpd/tmp'],
    ['spool_perms', 0o700],
    ['bare_newline', { default: 'normalize', networks: [] }],
    ['extensions', new Map()],
    ['max_command_line', 2048],
    ['max_header_size', 1_048_576],
    ['max_recipients', 1000],
    ['max_login_failures', 3],
    ['auth_failure_delay', 1],
    ['auth_lockout_failures', 20],
    ['auth_lockout_time', 600],
    ['auth_admin_networks', new NetworkList([])],
    ['max_commands_without_mail', 1000],
    ['max_errors', 100],
    ['max_session_time', 14_400],
    ['min_transfer_rate', 50],
    ['tls_before_auth', false],
    ['proxy_networks', new NetworkList([])],
    ['xclient_networks', new NetworkList([])],
    ['xforward_networks', new NetworkList([])],
    ['rcpthosts', []],
    ['queue_routes', new QueueRoutes([])],
  ];

  it('has no other files than these', () => {
    assert.deepEqual(knownFileNames.toSorted(), defaults.map(([name]) => name).toSorted());
  });

  for (const [name, expected] of defaults) {
    it(`takes an empty ${name} for a missing one`, () => {
      assert.deepEqual(knownFiles[name].default(around), expected);
      assert.deepEqual(parse(name), expected);
      assert.deepEqual(check(name), []);
    });

    it(`can describe ${name} in the manual`, () => {
      const { doc, form, shownDefault } = knownFiles[name];
      for (const text of [doc, form, shownDefault]) assert.match(text, /\S/);
    });
  }

  const good: [KnownFileName, text: string, expected: unknown][] = [
    ['me', 'mx.example.com', 'mx.example.com'],
    ['me', '[192.0.2.1]', '[192.0.2.1]'],
    ['me-auth-results', 'none', 'none'],
    ['smtpgreeting', 'mx.example ESMTP hello', 'mx.example ESMTP hello'],
    ['loglevel', '7', 'debug'],
    ['loglevel', '10', 'debug'],
    ['loglevel', 'LOGINFO', 'info'],
    ['timeout', '2147483', 2_147_483],
    ['timeoutsmtpd', '30', 30],
    ['hook_timeout', '0', 0],
    ['databytes', '31457280', 31_457_280],
    ['spool_dir', '~/spool/', '/home/smtpd/spool'],
    ['spool_dir', '~', '/home/smtpd'],
    ['spool_dir', '/', '/'],
    ['spool_dir', '/var/a b', '/var/a b'],
    ['spool_perms', '0770', 0o770],
    ['spool_perms', '750', 0o750],
    ['max_command_line', '512', 512],
    ['auth_failure_delay', '0', 0],
    ['auth_lockout_failures', '0', 0],
    ['max_errors', '0', 0],
    ['max_session_time', '0', 0],
    ['min_transfer_rate', '0', 0],
    ['auth_admin_networks', '10.1.', new NetworkList([parseNetwork('10.1.0.0/16')])],
    ['tls_before_auth', '0', false],
    ['tls_before_auth', '1', true],
    ['tls_before_auth', 'yes', true],
    ['rcpthosts', '.Example.COM', ['.example.com']],
    ['plugin_dirs', '~/plugins', ['/home/smtpd/plugins']],
  ];
  for (const [name, text, expected] of good) {
    it(`reads "${text}" in ${name}`, () => {
      assert.deepEqual(parse(name, text), expected);
      assert.deepEqual(check(name, text), []);
    });
  }

  const bad: [KnownFileName, text: string][] = [
    ['me', 'two words'],
    ['me', '-x'],
    ['smtpgreeting', 'grüß dich'],
    ['loglevel', 'loud'],
    ['loglevel', '-1'],
    ['timeout', '0'],
    ['timeout', '2147484'],
    ['timeoutsmtpd', '1.5'],
    ['auth_failure_delay', '61'],
    ['auth_lockout_time', '0'],
    ['max_session_time', '2147484'],
    ['min_transfer_rate', '1.5'],
    ['auth_admin_networks', 'localhost'],
    ['databytes', '10M'],
    ['databytes', '-1'],
    ['databytes', '0x10'],
    ['databytes', '9007199254740993'],
    ['size_threshold', '1e6'],
    ['spool_dir', '~root/tmp'],
    ['spool_perms', '0800'],
    ['spool_perms', '1777'],
    ['spool_perms', '70'],
    ['max_command_line', '511'],
    ['max_recipients', '0'],
    ['rcpthosts', 'a.example b.example'],
    ['plugin_dirs', '~root'],
    ['bare_newline', 'refuse'],
    ['bare_newline', '10.1 reject'],
    ['bare_newline', 'reject 10.1.0.0/16'],
    ['plugins', '../x'],
    ['logging', 'My::Logger'],
  ];
  for (const [name, text] of bad) {
    it(`refuses "${text}" in ${name}, with its place`, () => {
      assert.throws(
        () => parse(name, text),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.deepEqual(error.where, { file: 'f', line: 1 });
          return true;
        },
      );
      const [finding, ...others] = check(name, text);
      assert.equal(finding?.[0], 'error');
      assert.deepEqual(others, []);
    });
  }

  it('says what is allowed', () => {
    assert.throws(() => parse('timeout', '0'), {
      message: 'f:1: "0" is not a whole number (seconds) of at least 1 and at most 2147483',
    });
  });

  it('warns of a second line where one counts', () => {
    assert.equal(parse('databytes', '1', '2'), 1);
    assert.deepEqual(check('databytes', '1', '2', '3'), [
      ['warning', 'EXTRA_LINE', 2],
      ['warning', 'EXTRA_LINE', 3],
    ]);
    assert.deepEqual(check('databytes', 'x', '2'), [
      ['error', 'BAD_VALUE', 1],
      ['warning', 'EXTRA_LINE', 2],
    ]);
  });

  it('checks every line of a list', () => {
    assert.deepEqual(check('rcpthosts', 'a', 'b c', 'd', 'e f'), [
      ['error', 'BAD_VALUE', 2],
      ['error', 'BAD_VALUE', 4],
    ]);
  });

  it('reads plugins, and refuses a second load under one name', () => {
    const { parse: parsePlugins } = knownFiles.plugins;
    assert.deepEqual(parsePlugins(toLines(['relay only 1', 'relay:1']), around), [
      {
        name: 'relay',
        plugin: 'relay',
        words: ['only', '1'],
        rests: ['only 1', '1'],
        where: { file: 'f', line: 1 },
      },
      { name: 'relay:1', plugin: 'relay', words: [], rests: [], where: { file: 'f', line: 2 } },
    ]);
    assert.throws(
      () => parse('plugins', 'relay', 'dnsbl', 'relay'),
      /^f:3: plugin "relay" is already loaded by f:1/,
    );
    assert.deepEqual(check('plugins', 'relay', '/x', 'relay'), [
      ['error', 'BAD_PLUGIN_LINE', 2],
      ['error', 'DUPLICATE_PLUGIN', 3],
    ]);
  });

  it('reads bare_newline with a rule for each network', () => {
    const read = parse('bare_newline', '10.1.0.0/16 normalize', 'reject', '2001:db8::/32\tnormalize');
    const { default: policy, networks } = read as KnownValue<'bare_newline'>;
    assert.equal(policy, 'reject');
    const holding = (ip: string) =>
      networks.filter(({ network }) => network.contains(ip)).map((it) => it.policy);
    assert.deepEqual(['10.1.2.3', '2001:db8::1', '192.0.2.1'].map(holding), [
      ['normalize'],
      ['normalize'],
      [],
    ]);
    assert.deepEqual(check('bare_newline', 'reject', '10. reject', 'normalize', '10.1 reject'), [
      ['error', 'BAD_VALUE', 4],
      ['warning', 'EXTRA_LINE', 3],
    ]);
  });
});
