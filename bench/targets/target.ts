// What the bench has to know of a server under test.

/**
 * How a server is set up. `plugins`: its usual checks, messages are thrown away. `bare`: as little as it can do,
 * messages are thrown away. `maildir`: messages are durable files on disk before they are answered. `forward`: they are
 * handed to the next hop before they are answered. `tls`, `tls-rsa`: as `plugins`, with STARTTLS and a certificate on
 * P-256 or RSA with 2048 bits.
 */
export type Setup = 'plugins' | 'bare' | 'maildir' | 'forward' | 'tls' | 'tls-rsa';

export interface Place {
  /** a folder of this server alone, removed afterwards */
  readonly folder: string;
  /** free port on 127.0.0.1 */
  readonly port: number;
  readonly setup: Setup;
  /** where `forward` hands messages on to, on 127.0.0.1; 0 where it does not */
  readonly nextPort: number;
}

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** folder where accepted messages end up, one file each; counted and emptied by the bench */
  readonly store?: string;
}

export interface Target {
  readonly name: string;
  readonly setups: readonly Setup[];
  /** the bench must install npm packages first */
  readonly needsPeers?: boolean;
  /** more sessions at once than this it does not take */
  readonly maxSessions?: number;
  /** Writes its configuration into `place.folder`. @throws Error with a sentence when it cannot run here */
  prepare(place: Place): Promise<Launch>;
}

/** Domain of sender and recipient of every message. */
export const DOMAIN = 'bench.example';

/** Sessions at once that servers are told to allow. */
export const SESSION_LIMIT = 20_000;
