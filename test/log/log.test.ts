import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogLevel } from '../../src/contract/codes.ts';
import type { LogEntry } from '../../src/contract/hooks.ts';
import { escaped, Log, type LogSink } from '../../src/log/log.ts';

function sink(upTo: LogLevel) {
  const entries: LogEntry[] = [];
  const given: LogSink = { upTo, write: (entry) => entries.push(entry) };
  return { entries, sink: given, texts: () => entries.map(({ text }) => text) };
}

const logOn = (first: LogSink) => new Log(7, () => new Date(0), first);

describe('a log', () => {
  it('hands on who speaks, when, and the process where there is no client', () => {
    const { sink: only, entries } = sink('info');
    const log = logOn(only);
    log.write('info', 'of the core');
    const source = { plugin: 'relay:1', hook: 'rcpt', connection: null, transaction: null } as const;
    log.write('warn', 'of a plugin', source);
    const common = { id: '7', time: new Date(0) };
    assert.deepEqual(entries, [
      { level: 'info', text: 'of the core', plugin: null, hook: null, ...common },
      { level: 'warn', text: 'of a plugin', plugin: 'relay:1', hook: 'rcpt', ...common },
    ]);
  });

  it('gives each sink what it wants and no more', () => {
    const [quiet, chatty] = [sink('error'), sink('info')];
    const log = logOn(quiet.sink);
    assert.deepEqual([log.enabled('error'), log.enabled('warn')], [true, false]);
    log.use([quiet.sink, chatty.sink]);
    assert.deepEqual([log.enabled('info'), log.enabled('debug')], [true, false]);
    for (const level of ['emerg', 'error', 'info', 'debug'] as const) log.write(level, level);
    assert.deepEqual(quiet.texts(), ['emerg', 'error']);
    assert.deepEqual(chatty.texts(), ['emerg', 'error', 'info']);
  });

  it('asks for levels again when told to', () => {
    let upTo: LogLevel = 'error';
    const texts: string[] = [];
    const log = logOn({
      get upTo() {
        return upTo;
      },
      write: ({ text }) => texts.push(text),
    });
    upTo = 'debug';
    log.refresh();
    log.write('debug', 'now');
    assert.deepEqual(texts, ['now']);
  });

  it('writes nothing where there is no sink', () => {
    const first = sink('debug');
    const log = logOn(first.sink);
    log.use([]);
    log.write('emerg', 'unheard');
    assert.deepEqual([first.entries, log.enabled('emerg')], [[], false]);
  });

  it('drops what a sink logs itself, and goes on', () => {
    const texts: string[] = [];
    const log: Log = logOn({
      upTo: 'debug',
      write: ({ text }) => {
        texts.push(text);
        log.write('info', `${text}, again`);
      },
    });
    log.write('info', 'first');
    log.write('info', 'second');
    assert.deepEqual(texts, ['first', 'second']);
  });

  it('goes on after a sink that throws', () => {
    const texts: string[] = [];
    let isBroken = true;
    const log = logOn({
      upTo: 'debug',
      write: ({ text }) => {
        if (isBroken) throw new Error('broken');
        texts.push(text);
      },
    });
    assert.throws(() => log.write('info', 'lost'), /broken/);
    isBroken = false;
    log.write('info', 'written');
    assert.deepEqual(texts, ['written']);
  });

  it('lets nobody forge a line or reach a terminal', () => {
    const { sink: only, texts } = sink('info');
    logOn(only).write('info', 'HELO x\r\n7 accepted\x1b[2J\x7f\x9b\xe9');
    assert.deepEqual(texts(), ['HELO x\\x0d\\x0a7 accepted\\x1b[2J\\x7f\\x9b\\xe9']);
  });
});

describe('escaped', () => {
  it('leaves printable ASCII alone, a backslash too', () => {
    const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('');
    assert.equal(escaped(ascii), ascii);
  });

  it('shows every other octet', () => {
    for (let code = 0; code < 256; code++) {
      if (code >= 32 && code < 127) continue;
      assert.equal(escaped(String.fromCharCode(code)), `\\x${code.toString(16).padStart(2, '0')}`);
    }
  });

  it('shows characters beyond octets so that they cannot be taken for an octet and letters', () => {
    assert.equal(escaped('\u20ac'), '\\u{20ac}');
    assert.equal(escaped('\u{1f4e7}'), '\\u{1f4e7}');
    assert.equal(escaped('\ud83d'), '\\u{d83d}');
  });
});
