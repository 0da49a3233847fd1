// What is wrong between the addresses to listen on and the configuration: listeners that can serve nobody.

import { ConfigError, type Finding, findingOf } from '../config/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { type ListenAddress, showListenAddress } from '../server/listen-address.ts';

export function listenerFindings(addresses: readonly ListenAddress[], engine: Engine): Finding[] {
  return addresses.flatMap((address) => {
    const findings: Finding[] = [];
    if (address.tls === true && !doesTls(engine)) findings.push(findingOf(withoutTls(address), 'error'));
    if (address.proxy === true && engine.store.value('proxy_networks').isEmpty) {
      findings.push(findingOf(withoutProxies(address), 'warning'));
    }
    return findings;
  });
}

// A line of that name that has not come to be loaded has been told of already.
function doesTls({ lines, store }: Engine): boolean {
  if (store.value('plugins').some(({ plugin }) => plugin === 'tls')) return true;
  return lines.some(({ plugins }) => plugins.some(({ plugin }) => plugin.name === 'tls'));
}

function withoutTls(address: ListenAddress): ConfigError {
  return new ConfigError(
    'LISTEN_WITHOUT_TLS',
    null,
    `--listen ${showListenAddress(address)}: no plugin does TLS`,
    'add the line "tls" to config/plugins; port 465 is for TLS, with or without the word',
  );
}

function withoutProxies(address: ListenAddress): ConfigError {
  return new ConfigError(
    'LISTEN_WITHOUT_PROXIES',
    null,
    `--listen ${showListenAddress(address)}: config/proxy_networks is empty, so nobody may connect`,
    'name the networks of your proxies there',
  );
}
