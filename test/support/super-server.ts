// A super-server for tests, as inetd is one: accepts each client and starts the program with the connection as its
// standard input and output.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cleanUp } from './cleanup.ts';
import { plainEnv, programCommand } from './program.ts';
import { makeServerDir, type ServerOptions } from './server-process.ts';

export interface Served {
  readonly code: number | null;
  readonly stderr: string;
}

export interface SuperServer {
  readonly port: number;
  readonly dir: string;
  /** The end of the process of the client with this number, from 0. */
  served(client: number): Promise<Served>;
}

interface Options extends Pick<ServerOptions, 'config' | 'files'> {
  readonly env?: NodeJS.ProcessEnv;
  /** words for the program; none: it has to see by itself what it is started for */
  readonly words?: readonly string[];
  /** the client is standard error, too, as with inetd; what the program says there is what the client reads */
  readonly isInetd?: boolean;
}

export async function startSuperServer({
  env,
  words = [],
  isInetd = false,
  ...folder
}: Options): Promise<SuperServer> {
  const dir = makeServerDir(folder);
  const { command, args } = programCommand();
  const ends: Promise<Served>[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(command, [...args, ...words], {
      cwd: dir,
      env: plainEnv(dir, { QPSMTPD_CONFIG: join(dir, 'config'), ...env }),
      stdio: [socket, socket, isInetd ? socket : 'pipe'],
    });
    // The child has its own copy of the descriptor.
    socket.destroy();
    let stderr = '';
    child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      stderr += text;
    });
    cleanUpChild(() => void child.kill('SIGKILL'));
    ends.push(once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, stderr })));
  });
  const kills: (() => void)[] = [];
  const cleanUpChild = (kill: () => void) => void kills.push(kill);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp(async () => {
    for (const kill of kills) kill();
    server.close();
    await Promise.all(ends);
    rmSync(dir, { recursive: true, force: true });
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    dir,
    served: (client) => ends[client] ?? Promise.reject(new Error(`there was no client ${client}`)),
  };
}
