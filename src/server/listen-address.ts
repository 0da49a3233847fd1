// `--listen`: where clients come in, and what they find there. ADDR:PORT with an IPv4 address, an IPv6 address in
// brackets, a name, or nothing before the colon for all addresses; or the path of a unix socket.

export interface HostPort {
  /** empty: all addresses, IPv6 and IPv4 */
  readonly host: string;
  readonly port: number;
}

export interface SocketPath {
  readonly path: string;
  /** permissions of the socket file; 0660 where it is missing */
  readonly mode?: number;
}

/** The words behind a place. */
interface ListenWords {
  /** TLS from the first octet on */
  readonly tls?: boolean;
  /** LMTP in place of SMTP */
  readonly lmtp?: boolean;
  /** only proxies of config/proxy_networks come here, and begin with a PROXY header */
  readonly proxy?: boolean;
}

export type ListenAddress = (HostPort | SocketPath) & ListenWords;

// RFC 8314 section 7.3: submissions, TLS from the first octet on. qpsmtpd's plugin tls goes by the port, too.
const SUBMISSIONS = 465;
const FORM = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\],\s]*)):(\d{1,5})$/;
// What sun_path holds in unix(7), with its NUL.
const LONGEST_PATH = 107;

/** @throws Error with a sentence for the operator */
export function parseListenAddress(text: string): ListenAddress {
  const [place = '', ...words] = text.split(',');
  return place.startsWith('/') ? parseSocket(text, place, words) : parsePort(text, place, words);
}

/** ADDR:PORT alone. @throws Error with a sentence for the operator */
export function parseHostPort(text: string): HostPort {
  const [, ipv6, name, digits] = FORM.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    throw new Error(`"${text}" is not ADDR:PORT, such as 0.0.0.0:25, [::1]:2525 or :25`);
  }
  const host = ipv6 ?? name ?? '';
  return { host: host === '*' ? '' : host, port };
}

function parsePort(text: string, place: string, words: readonly string[]): ListenAddress {
  const where = parseHostPort(place);
  const flags = readWords(text, words, ['tls', 'lmtp', 'proxy']);
  return { ...where, ...(where.port === SUBMISSIONS && { tls: true }), ...flags };
}

function parseSocket(text: string, path: string, words: readonly string[]): ListenAddress {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new Error(`the path in "${text}" is longer than the ${LONGEST_PATH} octets that a socket may have`);
  }
  const modes = words.filter((word) => word.startsWith('mode='));
  const flags = readWords(
    text,
    words.filter((word) => !modes.includes(word)),
    ['lmtp'],
  );
  const [mode] = modes;
  if (mode === undefined) return { path, ...flags };
  if (modes.length > 1 || !/^mode=0?[0-7]{3}$/.test(mode)) {
    throw new Error(`"${text}" needs mode= once, with permissions in octal digits such as 0660`);
  }
  return { path, mode: Number.parseInt(mode.slice(5), 8), ...flags };
}

type Word = keyof ListenWords;

function readWords(text: string, words: readonly string[], allowed: readonly Word[]): ListenWords {
  const flags: { tls?: boolean; lmtp?: boolean; proxy?: boolean } = {};
  for (const word of words) {
    const known = allowed.find((candidate) => candidate === word);
    if (known === undefined || flags[known] === true) {
      const isSocket = text.startsWith('/');
      const forms = [...allowed, ...(isSocket ? ['mode=0660'] : [])].map((form) => `",${form}"`).join(', ');
      const place = isSocket ? 'a socket path' : 'ADDR:PORT';
      throw new Error(`",${word}" in "${text}" cannot stand there: behind ${place} there may be ${forms}`);
    }
    flags[known] = true;
  }
  return flags;
}

/** As it is written behind `--listen`. */
export function showListenAddress(address: ListenAddress): string {
  const words = (['tls', 'lmtp', 'proxy'] as const).filter((word) => address[word] === true);
  return [showPlace(address), ...words].join(',');
}

function showPlace(address: HostPort | SocketPath): string {
  if ('path' in address) return address.path;
  const { host, port } = address;
  if (host === '') return `*:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether nobody but programs on this host can connect. */
export function isLocalOnly(address: ListenAddress): boolean {
  return 'path' in address || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(address.host);
}
