// Lines of config files: those of the core, plugin lines, lists of addresses, patterns and stored passwords. An
// operator writes them, but a mistake has to be told as one.

import assert from 'node:assert/strict';
import { ConfigError } from '../../src/config/errors.ts';
import type { KnownFile } from '../../src/config/file-types.ts';
import { knownFiles } from '../../src/config/known-files.ts';
import { parsePluginLine } from '../../src/config/plugin-lines.ts';
import { parseAddressEntry } from '../../src/contract/address-entry.ts';
import { Address } from '../../src/protocol/address.ts';
import { parseStoredPassword, storedPasswordWarning } from '../../src/protocol/password/stored-password.ts';
import { parseHostPort, parseListenAddress } from '../../src/server/listen-address.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const seeds = [
  'auth/auth_flat_file:2 "a b" reject 1',
  '10.1.0.0/16',
  'SMTPUTF8 on',
  '^bob\\d+@(example|test)\\.com$ go away',
  '/^[[:alpha:]]+@.*\\.example$/',
  '@[IPv6:2001:db8::1]',
  `$6$rounds=5000$saltsalt$${'a'.repeat(86)}`,
  `$2b$12$${'a'.repeat(53)}`,
  '{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$c29tZWRpZ2VzdGRpZ2VzdA',
  'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA',
  '[::1]:2525,tls,lmtp',
  '/run/qpsmtpd.sock,mode=0660',
  '1048576',
];
const tokens = [
  ...[
    '"',
    ' ',
    '\t',
    '/',
    ':',
    '::',
    '..',
    '$',
    '{PLAIN}',
    '{MD5}',
    '$1$',
    '999999999',
    '-1',
    '0',
    'on',
    ',',
    '=',
  ],
  ...[
    '(?:',
    '(a+)+',
    '{1000}',
    '*',
    '+',
    '?',
    '[',
    ']',
    '\\',
    '\\d',
    '[[:alpha:]]',
    '|',
    '(?i)',
    '^',
    '\xff',
    '%',
    '@',
  ],
];

const where = { file: 'config/x', line: 1 };
const around = { hostname: 'mx.example', home: '/home/x' };
const subject = new Address(`${'a'.repeat(200)}!`, 'a.example');
// Look-around goes to an engine that may take long, and is for the operator to answer for.
const NEEDS_BACKTRACKING = /\(\?<?[=!]|\\[1-9]|\\k/;

export const configTarget: Target = {
  name: 'config',
  promise: 'a line is read, or its mistake is told in a sentence; check finds what parse does not take',
  open() {
    // Most lines are mistakes, and a trace of each would take most of the time.
    Error.stackTraceLimit = 1;
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: (input) => check(input.toString('latin1')) };
  },
};

function check(text: string): void {
  const [first = ''] = text.split('\n');
  // As the reader of config files leaves a line.
  const line = first.replace(/[\0-\x08\x0b-\x1f\x7f]/g, '').trim();
  if (line === '') return;
  for (const file of Object.values(knownFiles)) checkFile(file, line);
  told(() => parsePluginLine({ text: line, where }));
  told(() => parseListenAddress(line));
  told(() => parseHostPort(line));
  told(() => parseStoredPassword(line));
  storedPasswordWarning(line);
  if (NEEDS_BACKTRACKING.test(line)) return;
  const entry = told(() => parseAddressEntry(line, { ignoreCase: true }));
  entry?.matches(subject);
}

function checkFile(file: KnownFile<unknown>, text: string): void {
  const lines = [{ text, where }];
  const findings = file.check(lines, around);
  for (const { text: sentence } of findings) assert.ok(sentence.length > 0);
  const hasError = findings.some(({ severity }) => severity === 'error');
  try {
    file.parse(lines, around);
    assert.ok(!hasError, `check finds fault with "${text}", and parse does not`);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(hasError, `parse does not take "${text}", and check finds nothing wrong`);
  }
}

/** Null where a sentence for the operator was thrown. */
function told<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof Error && /^(?:Config)?Error$/.test(error.name), String(error));
    assert.ok(error.message.length > 5);
    return null;
  }
}
