// `qpsmtpd tls-cert`: a private key, a certificate that works at once, and a request to send to a CA, under the names
// that the plugin tls looks for. In place of qpsmtpd's program plugins/tls_cert: same options for the subject, no
// openssl, and no throw-away CA: the certificate signs itself, and qpsmtpd-ca.crt is a copy of it.

import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ArgsDef, CommandDef } from 'citty';
import { type Arguments, UsageError } from './arguments.ts';
import { configDirs, makeStore, systemClock } from './assemble.ts';
import { CommandError, EXIT_OK, makeCommand } from './command.ts';
import { findingText } from './findings.ts';
import type { Program } from './program.ts';
import { configArgs } from './shared-args.ts';
import { keyKinds, keyText, makeKey, type Output, readKey, writeOutput } from './tls-cert/key-files.ts';
import { type HostNames, readNames, readSubject, type Subject } from './tls-cert/subject.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
// Apple's mail programs take no longer one, not even one that was installed by hand; others do not mind.
const DEFAULT_DAYS = 825;
const MOST_DAYS = 36_500;
const DEFAULT_DIR = 'ssl';

const args = {
  ...configArgs,
  CN: {
    type: 'string',
    valueHint: 'NAME',
    description: 'common name (Default: config/me, or the host name)',
  },
  C: { type: 'string', valueHint: 'DE', description: 'country, two letters' },
  ST: { type: 'string', valueHint: 'TEXT', description: 'state' },
  L: { type: 'string', valueHint: 'TEXT', description: 'city' },
  O: { type: 'string', valueHint: 'TEXT', description: 'organization' },
  OU: { type: 'string', valueHint: 'TEXT', description: 'organizational unit' },
  email: { type: 'string', valueHint: 'ADDRESS', description: 'mail address of the postmaster' },
  name: {
    type: 'string',
    valueHint: 'HOST',
    description: 'further host name or IP address that clients connect to; may be repeated',
  },
  days: {
    type: 'string',
    valueHint: 'N',
    description: `validity of the certificate (Default: ${DEFAULT_DAYS})`,
  },
  key: { type: 'string', valueHint: 'KIND', description: `${keyKinds.join(', ')} (Default: ${keyKinds[0]})` },
  dir: { type: 'string', valueHint: 'DIR', description: `folder to write to (Default: ${DEFAULT_DIR})` },
  'csr-only': { type: 'boolean', description: 'only a request for a CA; a key that is there is kept' },
  force: { type: 'boolean', description: 'replace the key and the certificate that are there' },
} satisfies ArgsDef;

export function tlsCertCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'tls-cert',
    description: 'Make a key, a certificate and a request for a CA',
    args,
    run: tlsCert,
  });
}

interface Order {
  readonly dir: string;
  readonly subject: Subject;
  readonly names: HostNames;
  readonly days: number;
  readonly keyKind: string;
  readonly csrOnly: boolean;
  readonly force: boolean;
}

async function tlsCert(given: Arguments): Promise<number> {
  const order = readOrder(given);
  const files = filesIn(order.dir);
  const { key, isNew } = keyFor(order, files);
  // Clocks of clients may be a little slow.
  const notBefore = new Date(systemClock.now().getTime() - HOUR_MS);
  const notAfter = new Date(notBefore.getTime() + order.days * DAY_MS);
  const { selfSigned, signingRequest } = await import('./tls-cert/certificate.ts');
  const wanted = { key, subject: order.subject, names: order.names };
  const request = { file: files.csr, text: signingRequest(wanted), mode: 0o644 };
  const secret = { file: files.key, text: keyText(key), mode: 0o600 };
  const certificate = { file: files.crt, text: selfSigned(wanted, { notBefore, notAfter }), mode: 0o644 };
  const made: readonly Output[] = [
    ...(isNew ? [secret] : []),
    ...(order.csrOnly ? [] : [certificate, { ...certificate, file: files.ca }]),
  ];
  write(order, made, request);
  say(order, files, isNew, notAfter);
  return EXIT_OK;
}

/** @throws UsageError, CommandError */
function readOrder(given: Arguments): Order {
  const commonName = given.text('CN') || serverName(given);
  const days = given.count('days', DEFAULT_DAYS);
  if (days < 1 || days > MOST_DAYS) throw new UsageError(`--days ${days}: 1 to ${MOST_DAYS} are possible`);
  const keyKind = given.text('key') ?? 'p-256';
  if (!keyKinds.includes(keyKind)) throw new UsageError(`--key ${keyKind}: one of ${keyKinds.join(', ')}`);
  return {
    dir: given.text('dir') || DEFAULT_DIR,
    subject: readSubject((field) => (field === 'CN' ? commonName : given.text(field))),
    names: readNames(commonName, given.texts('name')),
    days,
    keyKind,
    csrOnly: given.flag('csr-only'),
    force: given.flag('force'),
  };
}

/** As the server calls itself. */
function serverName(given: Arguments): string {
  const store = makeStore(
    configDirs(given.texts('config'), process.env),
    systemClock,
    process.env,
    (finding) => {
      throw new CommandError(findingText(finding));
    },
  );
  return store.value('me');
}

type KeyFiles = Readonly<Record<'key' | 'crt' | 'ca' | 'csr', string>>;

const filesIn = (dir: string): KeyFiles => ({
  key: join(dir, 'qpsmtpd-server.key'),
  crt: join(dir, 'qpsmtpd-server.crt'),
  ca: join(dir, 'qpsmtpd-ca.crt'),
  csr: join(dir, 'qpsmtpd-server.csr'),
});

function keyFor({ keyKind, csrOnly, force }: Order, files: KeyFiles): { key: KeyObject; isNew: boolean } {
  const isThere = existsSync(files.key);
  if (isThere && csrOnly && !force) return { key: told(() => readKey(files.key), files.key), isNew: false };
  const inTheWay = [files.key, ...(csrOnly ? [] : [files.crt, files.ca])].find((file) => existsSync(file));
  if (inTheWay !== undefined && !force) {
    const kept = isThere ? '--csr-only makes a request with the key that is there, ' : '';
    throw new CommandError(`${inTheWay} is there already: ${kept}--force replaces what is there`);
  }
  const key = makeKey(keyKind);
  if (key === null) throw new UsageError(`--key ${keyKind}: one of ${keyKinds.join(', ')}`);
  return { key, isNew: true };
}

function write({ dir, force }: Order, made: readonly Output[], request: Output): void {
  told(() => mkdirSync(dir, { recursive: true }), dir);
  for (const output of made) told(() => writeOutput(output, force), output.file);
  told(() => writeOutput(request, true), request.file);
}

function say({ dir, names, csrOnly }: Order, files: KeyFiles, isNew: boolean, notAfter: Date): void {
  const hosts = [...names.dns, ...names.ip].join(', ');
  const lastDay = notAfter.toISOString().slice(0, 10);
  const lines = [
    isNew
      ? `${files.key}: a new private key. The server's user has to be able to read it, and nobody else.`
      : `${files.key}: the private key as it was.`,
    ...(csrOnly
      ? []
      : [
          `${files.crt}: a self-signed certificate for ${hosts} until ${lastDay}.`,
          `${files.ca}: the same, for clients that are to trust it.`,
        ]),
    `${files.csr}: a request for ${hosts} to send to a CA. What comes back takes the place of ${files.crt}.`,
    `In config/plugins: ${pluginLine(dir, files)}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** In the folder ssl the plugin finds its files itself. */
function pluginLine(dir: string, { crt, key, ca }: KeyFiles): string {
  if (resolve(dir) === resolve(DEFAULT_DIR)) return 'tls';
  const words = [crt, key, ca].map((file) => (/\s/.test(file) ? `"${file}"` : file));
  return ['tls', ...words].join(' ');
}

/** What fails here is the operator's to mend. */
function told<T>(attempt: () => T, what: string): T {
  try {
    return attempt();
  } catch (error) {
    throw new CommandError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
