// Where to listen, from the options of serve and from those of qpsmtpd-forkserver: each address without a port of its
// own at each port.

import { type ListenAddress, parseListenAddress } from '../server/listen-address.ts';
import type { Arguments } from './arguments.ts';
import { CommandError } from './command.ts';
import { told } from './daemon.ts';

// What the original takes: brackets, or a name or IPv4 address, and perhaps a port.
const ADDRESS = /^(\[[^\]]*\]|[A-Za-z0-9_.-]+)(?::(\d+))?$/;

export function listenAddresses(given: Arguments, defaultPort: number): ListenAddress[] {
  const listened = given.texts('listen').map((text) => told(() => parseListenAddress(text), '--listen'));
  const places = given.texts('listen-address');
  const ports = given.texts('port').map(checkedPort);
  // Who says --listen alone wants nothing else.
  if (listened.length > 0 && places.length === 0 && ports.length === 0) return listened;
  const everyPort = ports.length > 0 ? ports : [String(defaultPort)];
  const all = places.length > 0 ? places.flatMap((place) => atPorts(place, everyPort)) : anywhere(everyPort);
  return [...listened, ...[...new Set(all)].map(parseListenAddress)];
}

const anywhere = (ports: readonly string[]) => ports.map((port) => `:${port}`);

function atPorts(place: string, everyPort: readonly string[]): string[] {
  const [, host = '', port] = ADDRESS.exec(place) ?? [];
  const ports = port === undefined ? everyPort : [port];
  const all = host === '[::]' ? anywhere(ports) : ports.map((one) => `${host}:${one}`);
  if (host === '' || !all.every(isAddress)) throw badAddress(place);
  return all;
}

function isAddress(text: string): boolean {
  try {
    parseListenAddress(text);
    return true;
  } catch {
    return false;
  }
}

function checkedPort(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return text;
  throw new CommandError(`--port: "${text}" is no port: a number from 0 to 65535`);
}

function badAddress(place: string): CommandError {
  return new CommandError(
    `--listen-address: "${place}" is not ADDR or ADDR:PORT, such as 192.0.2.1, 192.0.2.1:25 or [::1]:25; ` +
      'for unix sockets and words such as ,tls there is --listen',
  );
}
