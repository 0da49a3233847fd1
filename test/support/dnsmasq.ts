// A DNS server that is not ours, on loopback: dnsmasq (Debian: dnsmasq-base). Where it is missing, tests that need it fail
// and say so.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { DnsServer } from '../../src/net/dns-server.ts';
import { cleanUp } from './cleanup.ts';
import { freePort } from './free-port.ts';

/**
 * Starts one; it is stopped after the test (or suite, or file) that called this.
 *
 * @param records options of dnsmasq, such as `--txt-record=example.com,text`
 */
export async function startDnsmasq(records: readonly string[]): Promise<DnsServer> {
  const port = await freePort();
  const args = ['--no-daemon', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--pid-file='];
  const place = [`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces', '--user='];
  const child = spawn('dnsmasq', [...args, ...place, '--local-ttl=60', '--auth-ttl=60', ...records], {
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  cleanUp(() => stop(child));
  await ready(child);
  return { address: '127.0.0.1', port };
}

function environment(): Record<string, string> {
  // dnsmasq-base puts the program where an ordinary user's PATH does not look.
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
}

/** Resolves when dnsmasq says that it has started. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.once('error', (error) =>
      reject(new Error(`dnsmasq does not run; install it (Debian: dnsmasq-base): ${error.message}`)),
    );
    child.once('exit', (code) => reject(new Error(`dnsmasq ended with ${code}: ${said}`)));
    child.stderr?.on('data', (chunk) => {
      said += chunk;
      if (said.includes('started')) resolve();
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}
