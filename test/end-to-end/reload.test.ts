// SIGHUP again and again under load: nobody is refused, no session breaks, nothing that was taken is lost. Each SIGHUP
// is waited for, so that as many reloads take place as are asked for.
//   QPSMTPD_RELOADS=1000   so many of them, in place of 30 (npm run soak:reload)

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually, megabytesOf } from '../support/processes.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { assertNoneLost, type SteadyLoad, startSteadyLoad } from '../support/steady-load.ts';

const RELOADS = Number(process.env['QPSMTPD_RELOADS'] ?? 30);
const DONE = /configuration is read anew/g;

const versionPlugin = (words: string) => `
  import { definePlugin, ok } from 'qpsmtpd';
  export default definePlugin({ name: 'version', summary: 'says it', setup: () => ({ noop: () => ok('${words}') }) });
`;

function start(model: 'serve' | 'forkserver', args: readonly string[] = []): Promise<TestServer> {
  return startServer({
    model,
    config: {
      plugins: ['version', 'rcpt_ok', 'queue/maildir @DIR@/mail'],
      rcpthosts: 'b.example',
      loglevel: 'notice',
    },
    files: { 'plugins/version.ts': versionPlugin('first') },
    args: [...(model === 'forkserver' ? ['--workers', '2'] : []), ...args],
  });
}

const doneIn = (server: TestServer) => server.stderr().match(DONE)?.length ?? 0;

/** A reload, with messages before it. */
async function reloadAndWait(server: TestServer, load: SteadyLoad): Promise<void> {
  const before = doneIn(server);
  const taken = load.taken.size;
  await eventually('a message', () => load.taken.size > taken, 60_000);
  server.signal('SIGHUP');
  await eventually('a reload', () => doneIn(server) > before, 60_000);
}

/** Of a forkserver: the parent's. */
async function memoryAfter(server: TestServer, load: SteadyLoad, reloads: number): Promise<number> {
  for (let at = 0; at < reloads; at++) await reloadAndWait(server, load);
  return megabytesOf(server.pid);
}

for (const model of ['serve', 'forkserver'] as const) {
  describe(`SIGHUP under load: ${model}`, () => {
    test(`${RELOADS} times: none refused, none broken, none lost`, async (t) => {
      const server = await start(model);
      const load = startSteadyLoad(server.port, { clients: 4, restMs: 5 });
      const began = Date.now();
      const tenth = Math.ceil(RELOADS / 10);
      // What is needed once is there after the first tenth.
      const early = await memoryAfter(server, load, tenth);
      const late = await memoryAfter(server, load, RELOADS - tenth);
      const seconds = Math.round((Date.now() - began) / 1000);
      await load.stop();
      const { messages, extra } = assertNoneLost(load, join(server.dir, 'mail'));
      t.diagnostic(
        `${model}: ${doneIn(server)} reloads in ${seconds} s; ${load.connected} connections, ${load.refused.length} refused, ` +
          `${load.broken.length} broken; ${load.taken.size} messages taken, ${messages} there, ${extra} twice; ` +
          `${early} MiB after ${tenth} reloads, ${late} MiB after ${RELOADS}`,
      );
      assert.deepEqual([load.refused, load.broken, extra], [[], [], 0]);
      assert.equal(doneIn(server), RELOADS);
      await server.stop();
    });
  });
}
