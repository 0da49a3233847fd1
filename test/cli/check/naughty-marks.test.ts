// `reject naughty` without anybody who acts on the mark in time.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { naughtyFindings } from '../../../src/cli/check/naughty-marks.ts';
import { shown } from './shown.ts';
import { contextOf } from './support.ts';

async function found(...lines: readonly string[]): Promise<string[]> {
  const mark = (hook: string) => `import { definePlugin, deny } from 'qpsmtpd';
export default definePlugin({ name: 'x', summary: 'x', setup: () => ({ ${hook}: () => deny() }) });\n`;
  const { engine, dir, findings } = await contextOf({
    plugins: lines.join('\n'),
    plugin_dirs: '@DIR@/own\n',
    './own/filter.mjs': mark('data_post'),
    './own/greeter.mjs': mark('connect'),
  });
  assert.deepEqual(findings, []);
  return shown(dir, naughtyFindings(engine));
}

describe('reject naughty', () => {
  it('needs the plugin naughty', async () => {
    assert.deepEqual(await found('relay', 'badmailfrom reject naughty', 'rcpt_ok'), [
      'warning MARKED_FOR_NOBODY plugins:2: plugin "badmailfrom" has "reject naughty", but no plugin "naughty" is loaded: ' +
        'nobody is refused (add the line "naughty" above rcpt_ok, or say "reject 1" here)',
    ]);
  });

  it('is said by any plugin, also by one without such an option', async () => {
    const [line] = await found('badrcptto reject naughty');
    assert.match(line ?? '', /^warning MARKED_FOR_NOBODY plugins:1: plugin "badrcptto"/);
  });

  it('is nothing to speak of where naughty looks later', async () => {
    assert.deepEqual(await found('badmailfrom reject naughty', 'naughty'), []);
    assert.deepEqual(
      await found('naughty', 'badmailfrom reject naughty'),
      [],
      'MAIL comes before RCPT anyway',
    );
    assert.deepEqual(await found('naughty reject data', 'badrcptto reject naughty'), []);
    assert.deepEqual(
      await found('filter reject naughty', 'naughty reject connect'),
      [],
      'refused with the message',
    );
    assert.deepEqual(
      await found('naughty reject queue_post', 'badmailfrom reject naughty'),
      [],
      'only to be logged',
    );
  });

  it('comes too late below naughty in the same hook', async () => {
    assert.deepEqual(await found('naughty', 'badrcptto reject naughty'), [
      'warning MARKED_TOO_LATE plugins:2: plugin "badrcptto" has "reject naughty", but "naughty" (line 1) has looked for ' +
        'marks at rcpt by then: clients that it marks are not refused then, but with each whole message (data_post) (put ' +
        'it above line 1)',
    ]);
    const [line] = await found('naughty reject connect', 'greeter reject naughty');
    assert.match(line ?? '', /^warning MARKED_TOO_LATE plugins:2: .* at connect by then/);
  });

  it('comes too late in a later hook', async () => {
    const [line] = await found('badmailfrom reject naughty', 'naughty reject connect');
    assert.match(
      line ?? '',
      /^warning MARKED_TOO_LATE plugins:1: .*\(it marks at mail: give "naughty" a later moment\)$/,
    );
  });

  it('is never acted on behind the last look', async () => {
    const [line] = await found('naughty reject mail', 'filter reject naughty');
    assert.match(
      line ?? '',
      /^warning MARKED_TOO_LATE plugins:2: .* are never refused, and their mail is taken/,
    );
  });

  it('is fine where one of several looks in time', async () => {
    assert.deepEqual(await found('naughty', 'badrcptto reject naughty', 'naughty:1 reject data'), []);
  });
});
