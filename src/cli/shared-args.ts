// Options that several subcommands have.

import type { ArgsDef } from 'citty';

export const configArgs = {
  config: {
    type: 'string',
    valueHint: 'DIR',
    description: 'folder with configuration files; may be repeated, the first that has a file counts',
  },
} satisfies ArgsDef;

/** Of every process that listens. */
export const serverArgs = {
  'limit-connections': {
    type: 'string',
    valueHint: 'N',
    description: 'most clients at a time, 0 = any number (Default: 10000)',
  },
  'max-from-ip': {
    type: 'string',
    valueHint: 'N',
    description: 'most clients at a time from one address, 0 = any number (Default: 100)',
  },
  user: {
    type: 'string',
    valueHint: 'NAME',
    description: 'user to become once the ports are bound (Default: smtpd, or qpsmtpd)',
  },
  'pid-file': { type: 'string', valueHint: 'FILE', description: 'file to write the process id to' },
  'no-rdns': { type: 'boolean', alias: 'H', description: 'do not ask the DNS for the names of clients' },
  dns: {
    type: 'string',
    valueHint: 'ADDR:PORT',
    description: 'DNS server to ask in place of those in /etc/resolv.conf',
  },
} satisfies ArgsDef;

/** Of a parent with workers. */
export const workersArgs = {
  listen: {
    type: 'string',
    valueHint: 'ADDR:PORT|PATH[,WORD]',
    description: 'address or unix socket to listen on, as for serve; may be repeated',
  },
  workers: {
    type: 'string',
    valueHint: 'N',
    description: 'processes that serve (Default: one for each core)',
  },
  detach: { type: 'boolean', description: 'go on in the background' },
  'worker-timeout': {
    type: 'string',
    valueHint: 'SECONDS',
    description: 'a worker that a plugin holds up for so long is replaced (Default: 10)',
  },
} satisfies ArgsDef;
