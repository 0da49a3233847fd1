// `--listen ADDR:PORT`: an IPv4 address, an IPv6 address in brackets, a name, or nothing before the colon for
// all addresses.

export interface ListenAddress {
  /** empty: all addresses, IPv6 and IPv4 */
  readonly host: string;
  readonly port: number;
}

const FORM = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/;

/** @throws Error with a sentence for the operator */
export function parseListenAddress(text: string): ListenAddress {
  const [, ipv6, name, digits] = FORM.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    throw new Error(`"${text}" is not ADDR:PORT, such as 0.0.0.0:25, [::1]:2525 or :25`);
  }
  const host = ipv6 ?? name ?? '';
  return { host: host === '*' ? '' : host, port };
}

export function showListenAddress({ host, port }: ListenAddress): string {
  if (host === '') return `*:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
