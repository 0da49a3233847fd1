// What is wrong with plugins together is told by a server, too: at its start, and in the log when it reads its
// configuration anew. It serves all the same.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startServer } from '../support/server-process.ts';

const order = /plugins:1: plugin "rcpt_ok" stands above "badrcptto" \(line 2\): .*\(put it below line 2\)$/m;

describe('a server with plugins in a wrong order', () => {
  for (const model of ['serve', 'forkserver'] as const) {
    it(`says so at the start of ${model}, once`, async () => {
      const plugins = ['rcpt_ok', 'badrcptto', 'queue/maildir Maildir'];
      const server = await startServer({ model, config: { plugins } });
      const warnings = server.stderr().match(/^warn: .*$/gm) ?? [];
      assert.equal(warnings.filter((line) => order.test(line)).length, 1, server.stderr());
    });
  }

  it('says so when it has read its configuration anew, and uses that', async () => {
    const server = await startServer({ config: { plugins: ['rcpt_ok', 'queue/maildir Maildir'] } });
    assert.doesNotMatch(server.stderr(), /stands above/);
    writeFileSync(join(server.dir, 'config', 'plugins'), 'rcpt_ok\nbadrcptto\nqueue/maildir Maildir\n');
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
    await server.waitForLog(order);
  });

  it('tells who cannot take mail that it cannot', async () => {
    const server = await startServer({ config: { plugins: ['rcpt_ok'] } });
    await server.waitForLog(
      /^warn: .*plugins: no plugin handles the hook queue: no message can be taken \(451\)/m,
    );
  });
});
