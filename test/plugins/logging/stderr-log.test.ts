// The plugins that write all entries up to a level to standard error, by what stands in front; and the one that writes none.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AtAnywhere, Checkup, HookTable, Host, LogEntry, LogLevel, Transaction } from 'qpsmtpd';
import apache from '../../../plugins/logging/apache.ts';
import connectionId from '../../../plugins/logging/connection_id.ts';
import devnull from '../../../plugins/logging/devnull.ts';
import transactionId from '../../../plugins/logging/transaction_id.ts';
import warn from '../../../plugins/logging/warn.ts';
import { logger } from '../../support/line-logger.ts';

const entry: LogEntry = {
  level: 'info',
  text: 'pass',
  plugin: 'relay',
  hook: 'connect',
  id: '99.1',
  time: new Date(0),
};
const process: LogEntry = { ...entry, id: '99', plugin: null, hook: null, text: 'Listening' };

const inTransaction = (number: number): Partial<AtAnywhere> => ({
  transaction: { number } as Partial<Transaction> as Transaction,
});

async function setUp(plugin: typeof warn, level: LogLevel) {
  const lines: string[] = [];
  const said: string[] = [];
  const host: Partial<Host> = {
    id: plugin.name,
    options: { level },
    stderr: (line) => void lines.push(line),
    log: logger(said),
  };
  const table: HookTable = await plugin.setup(host as Parameters<typeof plugin.setup>[0]);
  const { logging } = table;
  assert.ok(logging && 'upTo' in logging);
  const write = (at: Partial<AtAnywhere>, ...entries: readonly LogEntry[]) => {
    for (const one of entries) logging.handler(at as AtAnywhere, one);
    return lines;
  };
  return { write, said, upTo: logging.upTo };
}

describe('a plugin that logs to standard error', () => {
  for (const [plugin, known, unknown] of [
    [warn, '99.1', '99'],
    [connectionId, '99.1', '99'],
    [transactionId, '99.1.2', '99'],
    [apache, '99.1', '99'],
  ] as const) {
    it(`begins a line with ${known} by ${plugin.name}, and writes nothing of its own`, async () => {
      const { write, upTo } = await setUp(plugin, 'notice');
      assert.equal(upTo, 'notice');
      const own = { ...entry, plugin: plugin.name };
      assert.deepEqual(write(inTransaction(2), entry, own), [`${known} (connect) relay: pass`]);
      const outside = write({ transaction: null }, process);
      assert.equal(outside.at(-1), `${unknown} Listening`);
    });
  }

  it('has the id of the connection in front where there is no transaction yet', async () => {
    const { write } = await setUp(transactionId, 'debug');
    assert.deepEqual(write(inTransaction(0), entry), ['99.1 (connect) relay: pass']);
  });
});

describe('logging/apache', () => {
  it('says at the start that it is logging/warn', async () => {
    const { said } = await setUp(apache, 'warn');
    assert.deepEqual(said, [
      'warn there is no Apache around this server: entries go to standard error, as by logging/warn',
    ]);
  });

  it('has check-config say so', async () => {
    const warnings: unknown[] = [];
    const checkup: Partial<Checkup> = { warn: (...words) => void warnings.push(words) };
    await apache.check?.({} as Parameters<NonNullable<typeof apache.check>>[0], checkup as Checkup);
    assert.deepEqual(warnings, [
      [
        'there is no Apache around this server: entries go to standard error, as by logging/warn',
        'put "logging/warn", with the level behind it, in its place',
      ],
    ]);
  });
});

describe('logging/devnull', () => {
  it('wants as few entries as can be, and does nothing with them', async () => {
    const stderr = () => assert.fail('it writes');
    const { logging } = await devnull.setup({ stderr } as Partial<Host> as Host);
    assert.ok(logging && 'upTo' in logging);
    assert.equal(logging.upTo, 'emerg');
    assert.equal(logging.handler({} as AtAnywhere, entry), undefined);
  });
});
