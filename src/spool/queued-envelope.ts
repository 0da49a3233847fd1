// What is kept of a message beside its content: sender, recipients, parameters, and the client that has sent it, so
// that the plugin that delivers it later finds what it would have found at once.

import type { Authentication, Connection, Envelope, Hello, Service } from '../contract/connection.ts';
import type { TlsFacts } from '../contract/tls.ts';
import { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';

export interface QueuedRecipient {
  readonly address: Address;
  readonly params: EsmtpParams;
}

export interface QueuedClient {
  /** of the connection that it came by */
  readonly id: string;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly remoteHost: string;
  readonly remoteInfo: string;
  readonly localIp: string;
  readonly localPort: number;
  readonly service: Service;
  readonly hello: Hello | null;
  readonly forwarded: Readonly<Record<string, string>> | null;
  readonly tls: Omit<TlsFacts, 'channelBinding'> | null;
  readonly authentication: Authentication | null;
  readonly relayClient: boolean;
}

export interface QueuedEnvelope {
  /** milliseconds since 1970 */
  readonly received: number;
  readonly sender: Address;
  readonly params: EsmtpParams;
  readonly recipients: readonly QueuedRecipient[];
  readonly client: QueuedClient;
}

export function envelopeOf(connection: Connection, transaction: Envelope, now: Date): QueuedEnvelope {
  return {
    received: now.getTime(),
    sender: transaction.sender,
    params: transaction.params,
    recipients: withoutRepeated(transaction.recipients).map((address) => ({
      address,
      params: transaction.paramsOf(address),
    })),
    client: clientOf(connection),
  };
}

/** A client may name a recipient twice; he is to get the message once. */
function withoutRepeated(recipients: readonly Address[]): readonly Address[] {
  if (recipients.length < 2) return recipients;
  const known = new Map<string, Address>();
  for (const one of recipients) {
    const key = `${one.localPart}@${one.asciiDomain.toLowerCase()}`;
    if (!known.has(key)) known.set(key, one);
  }
  return [...known.values()];
}

function clientOf(connection: Connection): QueuedClient {
  const { id, remoteIp, remotePort, remoteHost, remoteInfo, localIp, localPort, service, hello } = connection;
  const { forwarded, tls, authentication, relayClient } = connection;
  return {
    ...{ id, remoteIp, remotePort, remoteHost, remoteInfo, localIp, localPort, service, hello },
    forwarded: forwarded === null ? null : Object.fromEntries(forwarded),
    tls: tls === null ? null : tlsWords(tls),
    authentication,
    relayClient,
  };
}

function tlsWords({ protocol, cipher, serverName, isResumed, clientCertificate }: TlsFacts) {
  return { protocol, cipher, serverName, isResumed, clientCertificate };
}

type AddressParts = readonly [localPart: string, domain: string];
type ParamEntries = readonly (readonly [string, string | true])[];

/** As it is written: addresses in two parts, since not every address can be read again from its text. */
interface WrittenEnvelope {
  readonly received: number;
  readonly sender: AddressParts;
  readonly params: ParamEntries;
  readonly recipients: readonly (readonly [AddressParts, ParamEntries])[];
  readonly client: QueuedClient;
}

export function encodeEnvelope({ received, sender, params, recipients, client }: QueuedEnvelope): Buffer {
  const written: WrittenEnvelope = {
    received,
    sender: [sender.localPart, sender.domain],
    params: [...params],
    recipients: recipients.map((one) => [[one.address.localPart, one.address.domain], [...one.params]]),
    client,
  };
  return Buffer.from(`${JSON.stringify(written)}\n`);
}

/** @throws Error when it is none */
export function decodeEnvelope(text: Buffer): QueuedEnvelope {
  const written: WrittenEnvelope = JSON.parse(text.toString('utf8'));
  const address = ([localPart, domain]: AddressParts) =>
    localPart === '' && domain === '' ? Address.nullSender : new Address(localPart, domain);
  return {
    received: written.received,
    sender: address(written.sender),
    params: new Map(written.params),
    recipients: written.recipients.map(([parts, params]) => ({
      address: address(parts),
      params: new Map(params),
    })),
    client: written.client,
  };
}
