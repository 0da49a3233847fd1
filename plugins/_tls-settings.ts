// From the line of the plugin tls to the settings of a handshake: finds the files, and refuses what could not work.

import type { Clock, Logger, TlsSettings } from 'qpsmtpd';
import { type ContextMeans, type PairFiles, WatchedContext } from './_tls-context.ts';
import { firstThere, isEmpty, placesOf } from './_tls-files.ts';
import {
  ciphersFor,
  defaultCiphers,
  defaultProtocols,
  isOutdated,
  parseCiphers,
  parseProtocols,
} from './_tls-protocols.ts';
import { pairsIn, SniFolder } from './_tls-sni.ts';

const FOLDERS = ['ssl', 'config/ssl'];
const MAKE_ONE = 'make one with: qpsmtpd tls-cert';

/** The part of the plugin's host that counts here. */
interface TlsHost {
  readonly options: {
    readonly cert: string | undefined;
    readonly key: string | undefined;
    readonly ca: string | undefined;
    readonly dhparam: string | undefined;
    readonly sni: string | undefined;
    readonly client_cert: TlsSettings['clientCertificates'];
    readonly handshake_timeout: number;
  };
  readonly clock: Clock;
  readonly log: Logger;
  readonly configDirs: readonly string[];
  configLines(file: string): readonly string[];
  tlsTicketKeys(): Buffer;
}

/** What is needed in order to find the files. */
export interface FileHost {
  readonly options: Pick<TlsHost['options'], 'cert' | 'key' | 'ca' | 'dhparam' | 'sni'>;
  readonly configDirs: readonly string[];
}

/** Reads everything and gives what makes the settings of the next handshake. @throws Error with a sentence for the operator */
export function prepare(host: TlsHost): () => TlsSettings {
  const { options, clock, log } = host;
  const protocols = ownLine(host, 'tls_protocols', parseProtocols) ?? defaultProtocols;
  const ciphers = ownLine(host, 'tls_ciphers', parseCiphers) ?? defaultCiphers;
  const means: ContextMeans = {
    protocols,
    ciphers: ciphersFor(ciphers, protocols),
    ca: optionalFile(host, options.ca, 'qpsmtpd-ca.crt'),
    dhparam: optionalFile(host, options.dhparam, 'qpsmtpd-dhparam.pem'),
    clientCertificates: options.client_cert,
    tlsTicketKeys: () => host.tlsTicketKeys(),
    clock,
    log,
  };
  if (options.client_cert === 'require' && means.ca === null) {
    throw new Error('client_cert require: the certificates of clients can be verified only with a file ca');
  }
  if (options.client_cert === 'none' && host.configLines('tls_clients').length > 0) {
    log.warn('config/tls_clients does nothing: no client is asked for a certificate without client_cert ask');
  }
  if (isOutdated(protocols)) log.warn(`config/tls_protocols allows ${protocols.minVersion}, which is broken`);
  const watch = (pair: PairFiles) => new WatchedContext(pair, means);
  const main = watch(mainFiles(host));
  main.load();
  const sni = sniFolder(host, watch);
  const common = { clientCertificates: options.client_cert, timeoutMs: options.handshake_timeout * 1000 };
  const contextFor = sni === null ? null : (name: string) => sni.contextFor(name);
  return () => {
    const context = main.current;
    if (context === null) throw new Error('there is no certificate');
    return { ...common, context, contextFor };
  };
}

/** @throws Error with a sentence for the operator */
function mainFiles(host: FileHost): PairFiles {
  return {
    cert: neededFile(host, host.options.cert, 'qpsmtpd-server.crt'),
    key: neededFile(host, host.options.key, 'qpsmtpd-server.key'),
  };
}

/** The certificates that a line stands on. @throws Error with a sentence for the operator */
export function filesOf(host: FileHost) {
  const { ca, dhparam } = host.options;
  const sni = sniDir(host);
  return {
    main: mainFiles(host),
    byName: sni === null ? new Map<string, PairFiles>() : pairsIn(sni),
    others: [
      optionalFile(host, ca, 'qpsmtpd-ca.crt'),
      optionalFile(host, dhparam, 'qpsmtpd-dhparam.pem'),
    ].filter((file) => file !== null),
  };
}

/** What a file of one line says; null where it says nothing that can be read, which is reported by others. */
function ownLine<T>(host: TlsHost, file: string, parse: (line: string) => T): T | null {
  const [line] = host.configLines(file);
  if (line === undefined) return null;
  try {
    return parse(line);
  } catch {
    return null;
  }
}

/** Where a file of the defaults can be. */
function usualPlaces({ configDirs }: FileHost, name: string): readonly string[] {
  const here = FOLDERS.flatMap((folder) => placesOf(`${folder}/${name}`, []));
  return [...here, ...configDirs.map((dir) => `${dir}/ssl/${name}`)];
}

function neededFile(host: FileHost, given: string | undefined, name: string): string {
  const places = given === undefined ? usualPlaces(host, name) : placesOf(given, host.configDirs);
  const found = firstThere(places);
  if (found !== undefined) return found;
  const what = name.endsWith('.crt') ? 'certificate' : 'private key';
  throw new Error(`there is no ${what} ${given ?? name}: looked for ${places.join(', ')}; ${MAKE_ONE}`);
}

/** One that the line names has to be there. */
function optionalFile(host: FileHost, given: string | undefined, name: string): string | null {
  if (given === undefined) {
    const found = firstThere(usualPlaces(host, name));
    return found !== undefined && !isEmpty(found) ? found : null;
  }
  const places = placesOf(given, host.configDirs);
  const found = firstThere(places);
  if (found === undefined) throw new Error(`there is no file ${given}: looked for ${places.join(', ')}`);
  return found;
}

function sniFolder(host: TlsHost, watch: (pair: PairFiles) => WatchedContext): SniFolder | null {
  const { clock, log } = host;
  const dir = sniDir(host);
  if (dir === null) return null;
  const folder = new SniFolder(dir, { clock, log, watch });
  folder.load();
  log.info(`certificates in ${dir}: ${folder.names.join(', ') || 'none'}`);
  return folder;
}

function sniDir(host: FileHost): string | null {
  const given = host.options.sni;
  const dir = firstThere(given === undefined ? usualPlaces(host, 'sni') : placesOf(given, host.configDirs));
  if (dir === undefined && given !== undefined) throw new Error(`sni: there is no folder ${given}`);
  return dir ?? null;
}
