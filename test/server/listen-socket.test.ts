// Unix sockets: what may lie in their place, their owner and permissions, and who their clients are.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Incoming } from '../../src/contract/connection.ts';
import { declined } from '../../src/contract/verdict.ts';
import { cleanUp } from '../support/cleanup.ts';
import { run } from '../support/program.ts';
import { SmtpDialog } from '../support/smtp-dialog.ts';
import { serveProxies } from './proxy-support.ts';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-socket-'));
  cleanUp(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function dialog(path: string): Promise<SmtpDialog> {
  const socket = createConnection({ path });
  cleanUp(() => void socket.destroy());
  await once(socket, 'connect');
  return new SmtpDialog(socket);
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

/** A socket file whose program is gone. */
async function staleSocket(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await run(process.execPath, ['-e', program]);
  assert.ok(lstatSync(path).isSocket());
}

describe('a unix socket', () => {
  it('has clients of this host, who are not counted as one address', async () => {
    const seen: Incoming[] = [];
    const path = join(folder(), 'smtp');
    const { server, limits } = await serveProxies({
      // They are no proxies, whoever 127.0.0.1 is elsewhere.
      config: { proxy_networks: ['127.0.0.1'] },
      fromIp: 1,
      hooks: {
        'pre-connection': (_at, incoming) => {
          seen.push(incoming);
          return declined;
        },
      },
    });
    await server.listen({ path });
    const clients = [await dialog(path), await dialog(path)];
    for (const client of clients)
      assert.match(await client.greet(), /Hi name-of-127\.0\.0\.1 \[127\.0\.0\.1\]/);
    assert.deepEqual(seen[0], {
      remoteIp: '127.0.0.1',
      remotePort: 0,
      localIp: '127.0.0.1',
      localPort: 0,
      connectionsFromIp: 0,
      maxFromIp: 1,
    });
    assert.equal(limits.total, 2);
    assert.equal(limits.addresses, 0);
  });

  it('speaks LMTP where that is asked for', async () => {
    const path = join(folder(), 'lmtp');
    const { server } = await serveProxies({});
    await server.listen({ path, lmtp: true });
    const client = await dialog(path);
    await client.expect(/^220 \S+ LMTP /);
    await client.command('LHLO c.example', 250);
  });

  it('is for its owner and group, or has the permissions that were given', async () => {
    const dir = folder();
    const { server } = await serveProxies({});
    await server.listen({ path: join(dir, 'a') });
    await server.listen({ path: join(dir, 'b'), mode: 0o606 });
    assert.equal(modeOf(join(dir, 'a')), 0o660);
    assert.equal(modeOf(join(dir, 'b')), 0o606);
  });

  it('belongs to the account that serves', { skip: process.getuid?.() !== 0 }, async () => {
    const path = join(folder(), 'smtp');
    const { server } = await serveProxies({});
    await server.listen({ path }, { uid: 65534, gid: 65533 });
    const { uid, gid } = statSync(path);
    assert.deepEqual([uid, gid], [65534, 65533]);
  });

  it('is removed at the end', async () => {
    const path = join(folder(), 'smtp');
    const { server } = await serveProxies({});
    await server.listen({ path });
    assert.ok(existsSync(path));
    await server.stop(0);
    assert.ok(!existsSync(path));
  });

  it('takes the place of one that a crashed server has left behind', async () => {
    const path = join(folder(), 'smtp');
    await staleSocket(path);
    const { server } = await serveProxies({});
    await server.listen({ path });
    await (await dialog(path)).greet();
  });

  it('does not take the place of one where somebody listens', async () => {
    const path = join(folder(), 'smtp');
    const other = createServer().listen(path);
    cleanUp(() => void other.close());
    await once(other, 'listening');
    const { server } = await serveProxies({});
    await assert.rejects(server.listen({ path }), { message: `${path}: another program listens there` });
    assert.ok(existsSync(path));
  });

  it('does not take the place of a file that is no socket, nor of a link to one', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), 'precious');
    await staleSocket(join(dir, 'socket'));
    symlinkSync(join(dir, 'socket'), join(dir, 'link'));
    const { server } = await serveProxies({});
    for (const name of ['file', 'link']) {
      const path = join(dir, name);
      const message = `${path}: there is a file of that name, and it is no socket`;
      await assert.rejects(server.listen({ path }), { message });
      assert.ok(existsSync(path) || lstatSync(path).isSymbolicLink());
    }
  });

  it('says why it cannot be made', async () => {
    const path = join(folder(), 'missing', 'smtp');
    const { server } = await serveProxies({});
    const message = `${path}: its folder is not there, or may not be written to`;
    await assert.rejects(server.listen({ path }), { message });
  });
});
