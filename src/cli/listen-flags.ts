// Where to listen, from the options of serve and from those of qpsmtpd-forkserver: each address without a port of its
// own at each port.

import { type ListenAddress, parseListenAddress } from '../server/listen-address.ts';
import type { Arguments } from './arguments.ts';
import { told } from './daemon.ts';

// What the original takes: brackets, or a name or IPv4 address, and perhaps a port.
const ADDRESS = /^(\[[^\]]*\]|[A-Za-z0-9_.-]+)(?::(\d+))?$/;

export function listenAddresses(given: Arguments, defaultPort: number): ListenAddress[] {
  const listened = given.texts('listen').map((text) => told(() => parseListenAddress(text), '--listen'));
  const places = given.texts('listen-address');
  const ports = given.texts('port');
  // Who says --listen alone wants nothing else.
  if (listened.length > 0 && places.length === 0 && ports.length === 0) return listened;
  const everyPort = ports.length > 0 ? ports : [String(defaultPort)];
  const all = (places.length > 0 ? places : ['']).flatMap((place) => {
    const [, host = place, port] = ADDRESS.exec(place) ?? [];
    const anywhere = host === '[::]' ? '' : host;
    return (port === undefined ? everyPort : [port]).map((one) => `${anywhere}:${one}`);
  });
  return [...listened, ...all.map((text) => told(() => parseListenAddress(text), '--listen-address'))];
}
