// What is wrong with plugins together, besides their order: nobody for a hook, extensions that nobody carries, odd words,
// plugins in the file of others.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { structureFindings } from '../../../src/cli/check/structure.ts';
import { shown } from './shown.ts';
import { contextOf, type Files } from './support.ts';

async function found(files: Files): Promise<string[]> {
  const { engine, dir, findings } = await contextOf(files);
  assert.deepEqual(findings, []);
  return shown(dir, structureFindings(engine));
}

const plugins = 'rcpt_ok\nqueue/maildir Maildir\n';

describe('a server that can take no mail', () => {
  it('is warned of, with the file', async () => {
    assert.deepEqual(await found({ plugins: 'relay\n' }), [
      'warning NO_PLUGIN_FOR_HOOK plugins: no plugin handles the hook rcpt: every recipient is refused (450) (rcpt_ok is ' +
        'the usual one)',
      'warning NO_PLUGIN_FOR_HOOK plugins: no plugin handles the hook queue: no message can be taken (451) (queue/maildir ' +
        'is one)',
    ]);
  });

  it('is warned of without any file, too', async () => {
    const [line] = await found({ me: 'mx.example\n' });
    assert.match(line ?? '', /^warning NO_PLUGIN_FOR_HOOK plugins: /);
  });
});

describe('extensions', () => {
  it('are warned of when they are on and no queue plugin carries them', async () => {
    const extensions = '# ours\nSMTPUTF8 on\ndsn on\nCHUNKING on\nREQUIRETLS off\n';
    assert.deepEqual(await found({ plugins, extensions }), [
      'warning NOT_CARRIED extensions:3: DSN is offered to clients, but queue/maildir cannot carry it on: reports that ' +
        'senders ask for are never sent (take the line out)',
    ]);
  });

  it('are told where some queue plugins carry them', async () => {
    const both = `${plugins}queue/smtp-forward 192.0.2.1\n`;
    const [line, ...others] = await found({
      plugins: both,
      queue_routes: 'a.example queue/smtp-forward\n',
      extensions: 'DSN on\n',
    });
    assert.match(
      line ?? '',
      /^info NOT_CARRIED extensions:1: DSN is offered to clients, but queue\/maildir cannot/,
    );
    assert.deepEqual(others, []);
  });
});

describe('words of plugin lines', () => {
  it('are told when they look like options and were taken for values', async () => {
    assert.deepEqual(await found({ plugins: 'rcpt_ok\nqueue/maildir mod=0770\n' }), [
      'warning ODD_WORD plugins:2: plugin "queue/maildir" takes "mod=0770" for a value, as it has no option of that name ' +
        '(did you mean the option "mode"?)',
    ]);
    const [line] = await found({ plugins: `${plugins}help halp_dir /x\n` });
    assert.match(line ?? '', /^warning ODD_WORD plugins:3: .*"help_dir"/);
  });

  it('are nothing to speak of behind their options, and where they take the rest of the line', async () => {
    const lines = [
      'rcpt_ok',
      'logging/warn info',
      'queue/pipe flags R /bin/cat --mode hook_timeou',
      'quit_fortune',
    ];
    assert.deepEqual(await found({ plugins: lines.join('\n') }), []);
  });
});

describe('the file logging', () => {
  it('is for plugins that write the log', async () => {
    assert.deepEqual(await found({ plugins, logging: 'logging/warn\nrelay\n' }), [
      'warning NO_LOGGING_PLUGIN logging:2: plugin "relay" writes no log: in this file it is asked before all plugins of ' +
        'the file plugins (put the line into plugins, at its place)',
    ]);
  });

  it('had better not have all entries thrown away', async () => {
    assert.deepEqual(await found({ plugins, logging: 'logging/devnull\n' }), [
      'warning SILENT_LOG logging:1: nothing is logged: nobody is told of failures, nor of mistakes in a configuration ' +
        'that is read anew (put "logging/warn 3" (errors) in its place)',
    ]);
    assert.deepEqual(await found({ plugins, logging: 'logging/devnull\nlogging/warn 3\n' }), []);
  });
});
