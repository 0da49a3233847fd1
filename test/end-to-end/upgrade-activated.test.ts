// systemd holds the socket (LISTEN_FDS): the server may be stopped, upgraded and started, and clients wait meanwhile.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect } from '../support/smtp-dialog.ts';
import { makeUnit } from '../support/socket-activation.ts';
import { assertNoneLost, startSteadyLoad } from '../support/steady-load.ts';

const config = { plugins: ['rcpt_ok', 'queue/maildir @DIR@/mail'], rcpthosts: 'b.example' };

for (const model of ['serve', 'forkserver'] as const) {
  const args = model === 'forkserver' ? ['--workers', '2'] : [];

  describe(`a socket of systemd's: ${model}`, () => {
    test('clients who come while nobody serves are served by the next', async () => {
      const unit = makeUnit({ model, config, args });
      await unit.start();
      assert.equal(await unit.stop(), 0);
      const waiting = await Promise.all(Array.from({ length: 20 }, () => connect(unit.port)));
      await unit.start();
      for (const client of waiting) {
        await client.greet();
        await client.command('QUIT', 221);
      }
      assert.equal(await unit.stop(), 0);
    });

    test('restarts under load: none refused, none lost; sessions under way hear 421', async () => {
      const unit = makeUnit({ model, config, args });
      await unit.start();
      const load = startSteadyLoad(unit.port, { clients: 4 });
      for (let at = 0; at < 3; at++) {
        const before = load.taken.size;
        while (load.taken.size < before + 5) await new Promise((next) => setTimeout(next, 10));
        assert.equal(await unit.stop(), 0);
        await unit.start();
      }
      await load.stop();
      assertNoneLost(load, join(unit.dir, 'mail'));
      assert.deepEqual(load.refused, []);
      for (const why of load.broken) assert.match(why, /421 4\.3\.2/);
      assert.equal(await unit.stop(), 0);
    });
  });
}
