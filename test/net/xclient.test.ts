// XCLIENT: the greeting in the client's name, where that can be said.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientHello, xclientCommands } from '../../src/net/xclient.ts';

test('EHLO has the name of the client where it can be said', () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['client.example', 'client.example'],
    ['a+2Bb', 'a+b'],
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[UNAVAILABLE]', null],
    ['a+20b', null],
    ['a+0D+0AMAIL', null],
    ['+C3+BC.example', null],
    ['', null],
  ];
  for (const [given, name] of cases) assert.equal(clientHello(new Map([['HELO', given]])), name, given);
  assert.equal(clientHello(new Map()), null);
});

test('nothing is told where nothing is wanted', () => {
  assert.deepEqual(xclientCommands(new Map([['ADDR', '192.0.2.1']]), []), []);
});
