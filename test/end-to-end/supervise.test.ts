// The service folder of the original's README under daemontools: config/IP, run, log/run and log/main/current, for both
// ways to run. The scripts are those that we ship.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';
import { plainEnv, run } from '../support/program.ts';
import { makeServiceFolder } from '../support/service-folder.ts';

const programs = ['svscan', 'supervise', 'svc', 'svstat', 'multilog', 'tcpserver', 'swaks'];

/** Why this cannot be had here; false where it can. */
function whyNot(): string | false {
  // tcpserver gives up its groups, which is for root.
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = programs.filter((name) => !existsSync(join('/usr/bin', name)));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

class Service {
  readonly dir: string;
  readonly port: number;

  constructor(dir: string, port: number) {
    this.dir = dir;
    this.port = port;
  }

  get mails(): string[] {
    const folder = join(this.dir, 'mail', 'new');
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** of the process that supervise has started */
  get pid(): number {
    const { stdout } = spawnSync('svstat', [this.dir], { encoding: 'latin1' });
    return Number(/ up \(pid (\d+)\)/.exec(stdout)?.[1] ?? 0);
  }

  get log(): string {
    const file = join(this.dir, 'log', 'main', 'current');
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }

  svc(...words: string[]): void {
    assert.equal(spawnSync('svc', [...words, this.dir]).status, 0);
  }

  async send(): Promise<void> {
    const before = this.mails.length;
    const words = ['--server', `127.0.0.1:${this.port}`, '--from', 'a@a.example', '--to', 'user@b.example'];
    const { code, stdout } = await run('swaks', [...words, '--h-Subject', 'by supervise']);
    assert.equal(code, 0, `${stdout}\n${this.log}`);
    assert.equal(this.mails.length, before + 1);
  }

  async listens(): Promise<void> {
    const here = this.port.toString(16).toUpperCase().padStart(4, '0');
    const listening = new RegExp(`:${here} [0-9A-F]{8}:0000 0A `);
    await eventually('nobody listens', () => listening.test(readFileSync('/proc/net/tcp', 'latin1')));
  }
}

async function start(script: 'run' | 'run.forkserver'): Promise<Service> {
  const dir = makeServiceFolder(script, {
    IP: '127.0.0.1\n# the address to listen on',
    plugins: 'rcpt_ok\nqueue/maildir @DIR@/mail',
    rcpthosts: 'b.example',
    loglevel: 'info',
  });
  const service = new Service(dir, await freePort());
  const services = mkdtempSync(join(tmpdir(), 'qpsmtpd-services-'));
  symlinkSync(dir, join(services, 'qpsmtpd'));
  const env = { ...plainEnv(dir), QPUSER: userInfo().username, PORT: String(service.port) };
  const svscan = spawn('svscan', [services], { env, stdio: 'ignore' });
  cleanUp(async () => {
    svscan.kill('SIGTERM');
    if (svscan.exitCode === null && svscan.signalCode === null) await once(svscan, 'close');
    // What it has supervised lives on until it is told to end.
    const own = [dir, join(dir, 'log')];
    spawnSync('svc', ['-dx', ...own]);
    await eventually('the end', () => own.every((each) => spawnSync('svok', [each]).status !== 0));
    for (const each of [services, dir]) rmSync(each, { recursive: true, force: true });
  });
  await service.listens();
  return service;
}

describe('a service folder under supervise', { skip: whyNot() }, () => {
  test('tcpserver with a process for each client', async () => {
    const service = await start('run');
    await service.send();
    await eventually('multilog has the lines', () => / tcpserver: end /.test(service.log));
    assert.match(service.log, /^@[0-9a-f]{24} \d+\.1 Connection from /m);
    assert.match(service.log, /^@[0-9a-f]{24} tcpserver: end \d+ status 0$/m);

    const old = service.pid;
    service.svc('-t');
    await eventually('another tcpserver', () => service.pid !== old && service.pid !== 0);
    await service.listens();
    await service.send();

    service.svc('-d');
    await eventually('down', () => service.pid === 0);
  });

  test('forkserver in the foreground', async () => {
    const service = await start('run.forkserver');
    await service.send();
    await eventually('multilog has the lines', () => /queued as/.test(service.log));
    const { pid } = service;
    assert.match(
      service.log,
      new RegExp(`^@[0-9a-f]{24} ${pid} Listening on 127\\.0\\.0\\.1:${service.port}$`, 'm'),
    );

    writeFileSync(
      join(service.dir, 'config', 'plugins'),
      `rcpt_ok\nqueue/maildir ${service.dir}/mail\nnoop_counter\n`,
    );
    service.svc('-h');
    await eventually('the reload', () => /configuration is read anew/.test(service.log));
    assert.equal(service.pid, pid);
    await service.send();

    service.svc('-t');
    await eventually('another parent', () => service.pid !== pid && service.pid !== 0);
    await eventually('it listens', () => service.log.split('Listening on').length === 3);
    await service.send();

    service.svc('-d');
    await eventually('down', () => service.pid === 0);
    assert.equal(service.mails.length, 3);
  });
});
