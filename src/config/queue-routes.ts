// The file queue_routes: which queue plugin takes the mail of a domain or an address. The most exact route counts,
// wherever its line stands: an address, a domain, the nearest domain above it, and `*`.

import { Address, isDomainOrLiteral } from '../protocol/address.ts';
import { toAsciiDomain } from '../protocol/address-utf8.ts';
import type { ConfigLine } from './config-file.ts';
import { badValue, duplicateRoute, type Finding, findingOf, findingOfThrown, type Where } from './errors.ts';
import type { KnownFile } from './file-types.ts';

export interface QueueRoute {
  /** in lower case, in ASCII where it is a domain; `.example` for all below it */
  readonly pattern: string;
  /** a plugin line by its name, such as `queue/smtp-forward:1` */
  readonly target: string;
  readonly where: Where;
}

// A quoted local part may hold blanks.
const LINE = /^(.*\S)\s+(\S+)$/;

export class QueueRoutes {
  /** in the order of the file, one for each pattern */
  readonly all: readonly QueueRoute[];
  readonly #byPattern: ReadonlyMap<string, QueueRoute>;

  constructor(routes: readonly QueueRoute[]) {
    const byPattern = new Map<string, QueueRoute>();
    for (const route of routes) {
      if (!byPattern.has(route.pattern)) byPattern.set(route.pattern, route);
    }
    this.#byPattern = byPattern;
    this.all = [...byPattern.values()];
  }

  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /** Null where no route covers the recipient. @param ownDomain that of a bare postmaster */
  find(recipient: Address, ownDomain: string): QueueRoute | null {
    const domain = (recipient.asciiDomain || ownDomain).toLowerCase();
    const full = recipient.domain === '' ? new Address(recipient.localPart, ownDomain) : recipient;
    const found = this.#byPattern.get(keyOf(full)) ?? this.#byPattern.get(domain);
    if (found !== undefined) return found;
    for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
      const above = this.#byPattern.get(domain.slice(dot));
      if (above !== undefined) return above;
    }
    return this.#byPattern.get('*') ?? null;
  }
}

export const queueRoutes: KnownFile<QueueRoutes> = {
  kind: 'list',
  form: 'ADDRESS|DOMAIN|.DOMAIN|* PLUGIN[:N]',
  doc:
    'which queue plugin takes the mail for an address, a domain, all hosts below a domain, or for all others. PLUGIN:N ' +
    'is the name of its line in plugins. The most exact line counts. A queue plugin that is named here gets what is ' +
    'routed to it and nothing else; recipients without a route go to the other queue plugins, in their order, as if ' +
    'there were no routes. Where all of them are named, such recipients are offered to all',
  shownDefault: 'none',
  default: () => new QueueRoutes([]),
  parse: (lines) => new QueueRoutes(lines.map(readLine)),
  check: (lines) => {
    const seen = new Map<string, Where>();
    return lines.flatMap((line): Finding[] => {
      try {
        const { pattern, where } = readLine(line);
        const first = seen.get(pattern);
        if (first !== undefined) return [findingOf(duplicateRoute(where, pattern, first), 'warning')];
        seen.set(pattern, where);
        return [];
      } catch (error) {
        return [findingOfThrown(error)];
      }
    });
  },
};

/** @throws ConfigError */
function readLine({ text, where }: ConfigLine): QueueRoute {
  const [, written, target] = LINE.exec(text) ?? [];
  if (written === undefined || target === undefined) {
    throw badValue(
      where,
      text,
      'a route: an address, a domain, .domain or *, and the name of a queue plugin',
    );
  }
  const pattern = readPattern(written);
  if (pattern === null) throw badValue(where, written, 'an address, a domain, .domain or *');
  return { pattern, target, where };
}

function readPattern(written: string): string | null {
  if (written === '*') return written;
  if (written.includes('@')) {
    const address = Address.parse(`<${written}>`, { utf8: true });
    return address === null ? null : keyOf(address);
  }
  const isAbove = written.startsWith('.');
  const domain = toAsciiDomain(isAbove ? written.slice(1) : written) ?? '';
  if (!isDomainOrLiteral(domain)) return null;
  return `${isAbove ? '.' : ''}${domain.toLowerCase()}`;
}

/** One key for all spellings of an address. */
function keyOf(address: Address): string {
  return new Address(address.localPart, address.asciiDomain).key;
}
