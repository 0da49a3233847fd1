// The thread that ends a worker whose event loop stands still: in processes of their own, as it ends them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const watch = pathToFileURL(join(import.meta.dirname, '../../src/server/stall-watch.ts')).href;

interface End {
  readonly signal: string | null;
  readonly code: number | null;
  readonly said: string;
  readonly ms: number;
}

/** A process that is watched with a limit of one second. `{ mark }` and `block(ms)` are there for the script. */
function start(script: string) {
  const before = `
    const { watchForStalls } = await import(${JSON.stringify(watch)});
    const mark = new Int32Array(new SharedArrayBuffer(20));
    const block = (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); };
    watchForStalls({ mark, names: ['', 'relay (rcpt)', 'tls (ehlo)'], stallMs: 1000 });
    // The thread is there.
    await new Promise((resolve) => setTimeout(resolve, 1200));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', before + script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const begun = Date.now();
  const out = { text: '' };
  child.stderr.on('data', (chunk) => {
    out.text += String(chunk);
  });
  const ended: Promise<End> = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    said: out.text,
    ms: Date.now() - begun,
  }));
  return { child, ended };
}

const ends = (script: string) => start(script).ended;

describe('a watched event loop', { concurrency: 2 }, () => {
  it('that stands still ends the process, and the handler it is in is named', async () => {
    const { signal, said } = await ends('mark[0] = 1; mark[4] = 2; block(20_000);');
    assert.equal(signal, 'SIGKILL');
    assert.match(
      said,
      /^\d+ error, the event loop has not answered for 1 s, blocked by relay \(rcpt\): the worker is ended\n$/,
    );
  });

  it('that stands still behind an await has suspects, each once', async () => {
    const { signal, said } = await ends('mark[2] = 1; mark[3] = 2; mark[4] = 1; block(20_000);');
    assert.equal(signal, 'SIGKILL');
    assert.match(
      said,
      /blocked by no handler that can be named; suspects: relay \(rcpt\), tls \(ehlo\): the worker/,
    );
  });

  it('that stands still in no plugin is ended, too', async () => {
    const { signal, said } = await ends('block(20_000);');
    assert.equal(signal, 'SIGKILL');
    assert.match(said, /blocked by no plugin that can be named: the worker is ended/);
  });

  it('that is slow again and again, but always comes back, goes on', async () => {
    const slow = `
      for (let at = 0; at < 5; at++) {
        block(400);
        await new Promise((resolve) => setTimeout(resolve, 550));
      }
    `;
    assert.deepEqual({ ...(await ends(slow)), ms: 0 }, { code: 0, signal: null, said: '', ms: 0 });
  });

  it('of a process that was stopped for longer goes on', async () => {
    const { child, ended } = start(`
      const idle = setTimeout(() => {}, 60_000);
      process.stdout.write('ready');
      process.on('SIGTERM', () => clearTimeout(idle));
    `);
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    await pause(2500);
    child.kill('SIGCONT');
    await pause(1500);
    child.kill('SIGTERM');
    const { code, signal, said } = await ended;
    assert.deepEqual([code, signal, said], [0, null, '']);
  });
});
