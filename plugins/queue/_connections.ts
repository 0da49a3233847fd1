// What queue/smtp-forward and queue/lmtp have in common about connections: options, time limits, the pool.

import { type ClientSettings, type Host, option, SmtpPool } from 'qpsmtpd';
import { type ServerName, showServer, type Target } from './_servers.ts';

export const connectionOptions = {
  connections: option.integer({
    default: 50,
    min: 1,
    doc: 'connections to one server at a time; further messages wait for one',
  }),
  pool: option.integer({
    default: 50,
    min: 0,
    max: 1000,
    doc: 'connections that are kept for further messages; 0 = none',
  }),
  pool_idle: option.integer({
    default: 30,
    min: 1,
    doc: 'seconds that a connection may wait for the next message',
  }),
  pool_messages: option.integer({ default: 100, min: 1, doc: 'messages by one connection' }),
  connect_timeout: option.integer({ default: 30, min: 1, doc: 'seconds until a connection stands' }),
  command_timeout: option.integer({
    default: 300,
    min: 1,
    doc: 'seconds for the answer to a command, and for the server to read on in a message',
  }),
  data_timeout: option.integer({ default: 600, min: 1, doc: 'seconds for the answer to a message' }),
};

type Protocol = Pick<ClientSettings, 'protocol' | 'tls' | 'tlsOptions' | 'login'>;

export function serverTarget(
  host: Host<typeof connectionOptions>,
  server: ServerName,
  protocol: Protocol,
): Target {
  const { options, clock, log, hostname } = host;
  const name = showServer(server);
  const settings: ClientSettings = {
    ...protocol,
    address: server,
    hello: host.configLines('me')[0] ?? hostname,
    connectMs: options.connect_timeout * 1000,
    commandMs: options.command_timeout * 1000,
    messageMs: options.data_timeout * 1000,
    warn: (text) => log.warn(`${name}: ${text}`),
  };
  const limits = {
    connections: options.connections,
    idle: options.pool,
    idleMs: options.pool_idle * 1000,
    messages: options.pool_messages,
  };
  const pool = new SmtpPool(settings, limits, clock);
  return { name, deliver: (message, signal) => pool.deliver(message, signal) };
}
