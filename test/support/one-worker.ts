// Which worker of a forkserver serves a client: a plugin that says it to NOOP, and a way to choose.

import { childrenOf, eventually, signalAll } from './processes.ts';
import type { TestServer } from './server-process.ts';
import type { SmtpDialog } from './smtp-dialog.ts';

/** File of the plugin `whoami`, which answers NOOP with the process id. */
export const whoServes = {
  'plugins/whoami.ts': `
    import { definePlugin, ok } from 'qpsmtpd';
    export default definePlugin({
      name: 'whoami', summary: 'says who serves', setup: ({ pid }) => ({ noop: () => ok(\`\${pid}\`) }),
    });
  `,
};

/** Asks the plugin. */
export async function workerOf(client: SmtpDialog): Promise<number> {
  return Number((await client.command('NOOP', 250)).match(/\d+$/)?.[0]);
}

/** Process ids of all workers, once there are so many. */
export async function workersOf(server: TestServer, count: number): Promise<number[]> {
  await eventually(`${count} workers`, () => childrenOf(server.pid).length === count);
  return childrenOf(server.pid);
}

/** Nobody but this worker takes clients meanwhile. */
export async function withOnly<T>(server: TestServer, worker: number, act: () => Promise<T>): Promise<T> {
  const others = childrenOf(server.pid).filter((pid) => pid !== worker);
  signalAll(others, 'SIGSTOP');
  try {
    return await act();
  } finally {
    signalAll(others, 'SIGCONT');
  }
}
