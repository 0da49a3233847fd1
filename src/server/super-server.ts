// What a super-server tells of the one client that it has accepted: tcpserver and its kin by the environment
// (TCPREMOTEIP and friends, see tcp-environ(5); ucspi-tcp6 has TCP6REMOTEIP beside them), as qpsmtpd reads it. inetd,
// xinetd and systemd tell nothing: there the socket itself knows.

import type { Service } from '../contract/connection.ts';
import { parseIp } from '../protocol/ip-address.ts';
import { type NamedPeer, plainIp } from './peers.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SUBMISSIONS = 465;
// What reaches logs and trace fields of a name that somebody's DNS or ident server has made up.
const NOT_IN_NAMES = /[^A-Za-z0-9.[\]_-]/g;
const NOT_IN_INFO = /[^A-Za-z0-9.[\]_+=~-]/g;
const LONGEST = 255;

/**
 * The client as the environment names it; null where it does not.
 *
 * @throws Error with a sentence for the operator
 */
export function peerFromEnvironment(env: Environment, asked: Service): NamedPeer | null {
  const prefix = ['TCP', 'TCP6'].find((one) => (env[`${one}REMOTEIP`] ?? '') !== '');
  if (prefix === undefined) return null;
  const value = (name: string) => env[`${prefix}${name}`] ?? '';
  const remoteIp = plainIp(value('REMOTEIP')) ?? '';
  if (parseIp(remoteIp) === null)
    throw new Error(`${prefix}REMOTEIP is "${remoteIp}", which is no IP address`);
  const remoteHost = value('REMOTEHOST').replace(NOT_IN_NAMES, '').slice(0, LONGEST) || `[${remoteIp}]`;
  const info = value('REMOTEINFO').replace(NOT_IN_INFO, '').slice(0, LONGEST);
  const localPort = portOf(value('LOCALPORT'));
  return {
    remoteIp,
    remotePort: portOf(value('REMOTEPORT')),
    remoteHost,
    remoteInfo: info === '' ? remoteHost : `${info}@${remoteHost}`,
    localIp: plainIp(value('LOCALIP')) ?? '',
    localPort,
    service: serviceAt(localPort, asked),
  };
}

/** Port 465 has TLS from the first octet on, as with `--listen`. */
export function serviceAt(localPort: number, { tls, lmtp }: Service): Service {
  return { tls: tls || localPort === SUBMISSIONS, lmtp };
}

function portOf(text: string): number {
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}
