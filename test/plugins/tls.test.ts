// The plugin tls in a conversation, on a wire that pretends the handshake: what is dropped, who is refused, who may
// relay, and what keeps the server from starting.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bundledPlugins } from '../../plugins/index.ts';
import * as api from '../../src/api.ts';
import { MemoryWire } from '../../src/cli/transcript/memory-wire.ts';
import { Stage, StageError } from '../../src/cli/transcript/stage.ts';
import type { ClientCertificate, TlsFacts, TlsSettings } from '../../src/contract/tls.ts';
import { makeCertificate } from '../support/certificates.ts';
import { cleanUp } from '../support/cleanup.ts';
import { SettableClock } from './tls-support.ts';

const { cert, key } = makeCertificate('mx.example');
const FINGERPRINT = Array.from({ length: 32 }, (_, at) => (at + 16).toString(16)).join(':');

class TlsWire extends MemoryWire {
  readonly handshakes: TlsSettings[] = [];
  /** why the next handshakes fail */
  failure: string | null = null;
  certificate: ClientCertificate | null = null;
  output = '';

  override async startTls(settings: TlsSettings): Promise<TlsFacts> {
    this.handshakes.push(settings);
    // A real one keeps silent from here on.
    this.output += this.takeOutput();
    if (this.failure !== null) throw new Error(this.failure);
    const facts = await super.startTls(settings);
    return { ...facts, serverName: 'mx.example', clientCertificate: this.certificate };
  }
}

interface Options {
  readonly line?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly before?: readonly string[];
}

async function open({ line = 'tls mx.crt mx.key', config = {}, before = [] }: Options = {}) {
  const files = { 'mx.crt': cert, 'mx.key': key, ...config };
  const clock = new SettableClock();
  const stage = await Stage.open({
    program: { version: '0.0.0', bundled: bundledPlugins, api },
    setup: {
      plugins: [...before, line],
      logging: [],
      config: new Map(Object.entries(files).map(([name, text]) => [name, text.trimEnd().split('\n')])),
      maps: new Map(),
      env: {},
    },
    clock,
    pluginDirs: [],
  });
  cleanUp(() => stage.close());
  const begin = async (
    client = { ip: '192.0.2.1', tls: false },
    prepare: (wire: TlsWire) => void = () => {},
  ) => {
    const wire = new TlsWire();
    prepare(wire);
    const service = { tls: client.tls, lmtp: false };
    const { session, over } = stage.serve({ ip: client.ip, host: 'client.example', service }, wire);
    const say = async (...lines: readonly string[]) => {
      if (lines.length > 0) wire.send(lines.map((text) => `${text}\r\n`).join(''));
      await wire.idle();
      return wire.takeOutput();
    };
    const greeting = await say();
    return { wire, session, over, say, greeting };
  };
  return { stage, clock, begin };
}

/** What keeps the server from starting. */
async function problemOf(options: Options): Promise<string> {
  const error: unknown = await open(options).catch((failure: unknown) => failure);
  assert.ok(error instanceof StageError, String(error));
  return error.findings
    .filter(({ severity }) => severity === 'error')
    .map(({ text }) => text)
    .join('\n');
}

describe('STARTTLS', () => {
  it('is offered, taken once, and not offered any more', async () => {
    const { begin } = await open();
    const { say, wire, session } = await begin();
    assert.match(await say('EHLO client.example'), /^250[- ]STARTTLS\r$/m);
    await say('STARTTLS');
    assert.match(wire.output, /^220 2\.0\.0 go ahead with TLS\r\n$/);
    assert.equal(session.connection.hello, null);
    assert.equal(session.connection.tls?.protocol, 'TLSv1.3');
    const [settings] = wire.handshakes;
    assert.equal(settings?.timeoutMs, 30_000);
    assert.equal(settings?.clientCertificates, 'none');
    assert.equal(settings?.contextFor, null);
    assert.doesNotMatch(await say('EHLO client.example'), /STARTTLS/);
  });

  it('drops what comes in clear behind it, and says so in the log', async () => {
    const { begin, stage } = await open();
    const { say, wire, session } = await begin();
    await say('EHLO client.example');
    stage.takeLog();
    await say('STARTTLS', 'EHLO evil.example', 'MAIL FROM:<evil@evil.example>');
    assert.equal(wire.output, '220 2.0.0 go ahead with TLS\r\n');
    assert.equal(session.connection.hello, null);
    assert.equal(session.transaction.sender, null);
    assert.ok(
      stage.takeLog().some((entry) => /50 octets sent in clear behind STARTTLS are dropped$/.test(entry)),
    );
    assert.match(await say('EHLO client.example'), /^250/);
  });

  it('ends the conversation without a word when the handshake fails', async () => {
    const { begin, stage } = await open();
    const { say, wire, over } = await begin();
    await say('EHLO client.example');
    wire.failure = 'no shared cipher';
    assert.equal(await say('STARTTLS', 'NOOP'), '');
    await over;
    assert.equal(wire.output, '220 2.0.0 go ahead with TLS\r\n');
    assert.equal(wire.closed, true);
    assert.ok(stage.takeLog().some((entry) => /tls: fail, TLS handshake: no shared cipher$/.test(entry)));
  });

  it('has no place behind a login', async () => {
    const { begin } = await open();
    const { say, session, wire } = await begin();
    await say('EHLO client.example');
    Reflect.set(session.connection, 'authentication', { mechanism: 'PLAIN', user: 'u', passed: true });
    assert.match(await say('STARTTLS'), /^503 5\.5\.1 TLS has to come before the login\r\n$/);
    assert.equal(wire.handshakes.length, 0);
  });

  it('is not to be had for ten minutes after too many failures', async () => {
    const { begin, clock } = await open({ line: 'tls mx.crt mx.key handshake_failures 2' });
    const fail = async (ip: string) => {
      const { say, over } = await begin({ ip, tls: false }, (wire) => {
        wire.failure = 'the client left';
      });
      await say('EHLO client.example');
      await say('STARTTLS');
      await over;
    };
    await fail('192.0.2.1');
    const early = await begin();
    assert.match(await early.say('EHLO client.example'), /STARTTLS/);
    await fail('192.0.2.1');
    assert.match(await early.say('STARTTLS'), /^454 4\.7\.0 /);
    const late = await begin();
    assert.doesNotMatch(await late.say('EHLO client.example'), /STARTTLS/);
    const other = await begin({ ip: '192.0.2.2', tls: false });
    assert.match(await other.say('EHLO client.example'), /STARTTLS/);
    clock.pass(600_000);
    assert.match(await late.say('EHLO client.example'), /STARTTLS/);
  });

  it('is always to be had for relay clients', async () => {
    const { begin } = await open({
      before: ['relay'],
      line: 'tls mx.crt mx.key handshake_failures 1',
      config: { relayclients: '192.0.2.1' },
    });
    const first = await begin({ ip: '192.0.2.1', tls: false }, (wire) => {
      wire.failure = 'the client left';
    });
    await first.say('EHLO client.example');
    await first.say('STARTTLS');
    await first.over;
    const second = await begin();
    assert.match(await second.say('EHLO client.example'), /STARTTLS/);
  });
});

describe('TLS from the first octet on', () => {
  it('comes before the greeting', async () => {
    const { begin, stage } = await open();
    const { wire, greeting, say } = await begin({ ip: '192.0.2.1', tls: true });
    assert.equal(wire.handshakes.length, 1);
    assert.equal(wire.output, '');
    assert.match(greeting, /^220 /);
    assert.ok(
      stage.takeLog().some((entry) => /\(connect\) tls: pass, TLSv1\.3 .*for mx\.example$/.test(entry)),
    );
    assert.doesNotMatch(await say('EHLO client.example'), /STARTTLS/);
    assert.match(await say('STARTTLS'), /^503 /);
  });

  it('ends the connection when it fails', async () => {
    const { begin, stage } = await open();
    const { wire, over } = await begin({ ip: '192.0.2.1', tls: true }, (it) => {
      it.failure = 'http request';
    });
    await over;
    assert.equal(wire.closed, true);
    assert.doesNotMatch(wire.output, /./);
    assert.ok(stage.takeLog().some((entry) => /tls: fail, TLS handshake: http request$/.test(entry)));
  });

  it('goes before other plugins, which may wait for what the client says', async () => {
    const { begin, stage } = await open({ before: ['relay'] });
    await begin({ ip: '192.0.2.1', tls: true });
    const log = stage.takeLog().join('\n');
    assert.ok(log.indexOf('tls: pass') < log.indexOf('relay: skip'), log);
  });
});

describe('certificates of clients', () => {
  const certificate: ClientCertificate = {
    subject: 'CN=client.example',
    issuer: 'CN=client.example',
    fingerprint: FINGERPRINT,
    problem: 'self-signed certificate',
  };
  const relays = async (listed: string) => {
    const { begin, stage } = await open({
      line: 'tls mx.crt mx.key client_cert ask',
      config: { tls_clients: listed },
    });
    const { say, wire, session } = await begin();
    await say('EHLO client.example');
    assert.equal(session.connection.relayClient, false);
    wire.certificate = certificate;
    await say('STARTTLS');
    assert.equal(wire.handshakes[0]?.clientCertificates, 'ask');
    return { relays: session.connection.relayClient, log: stage.takeLog().join('\n') };
  };

  it('make a relay client of one that is listed', async () => {
    for (const listed of [
      `${FINGERPRINT} the office`,
      FINGERPRINT.replaceAll(':', '').toUpperCase(),
      `${FINGERPRINT.replaceAll('1', '2')}\n${FINGERPRINT}`,
    ]) {
      const { relays: mayRelay, log } = await relays(listed);
      assert.equal(mayRelay, true, listed);
      assert.match(log, /client CN=client\.example 10:11:.* \(self-signed certificate\), may relay/);
    }
  });

  it('do not where another one is listed, or what is no fingerprint', async () => {
    assert.equal((await relays(FINGERPRINT.replaceAll('1', '2'))).relays, false);
    const { relays: mayRelay, log } = await relays('CN=client.example');
    assert.equal(mayRelay, false);
    assert.match(log, /tls_clients:1: "CN=client\.example" is not a SHA-256 fingerprint/);
  });
});

describe('at start', () => {
  it('a certificate that is not there is an error that tells where it was looked for', async () => {
    const problem = await problemOf({ line: 'tls' });
    assert.match(
      problem,
      /there is no certificate qpsmtpd-server\.crt: looked for .*\/ssl\/qpsmtpd-server\.crt, /,
    );
    assert.match(problem, /make one with: qpsmtpd tls-cert/);
    assert.match(await problemOf({ line: 'tls mx.crt other.key' }), /there is no private key other\.key: /);
    assert.match(
      await problemOf({ line: 'tls /none.crt mx.key' }),
      /there is no certificate \/none\.crt: looked for \/none\.crt;/,
    );
    assert.match(await problemOf({ line: 'tls mx.crt mx.key none.crt' }), /there is no file none\.crt/);
    assert.match(await problemOf({ line: 'tls mx.crt mx.key sni none' }), /sni: there is no folder none/);
  });

  it('a pair that does not fit is an error', async () => {
    const other = makeCertificate('mx.example');
    assert.match(await problemOf({ config: { 'mx.key': other.key } }), /do not belong together/);
  });

  it('certificates of clients can be required only where they can be verified', async () => {
    const line = 'tls mx.crt mx.key client_cert require';
    assert.match(await problemOf({ line }), /client_cert require: .* only with a file ca/);
    const { begin } = await open({ line: `${line} ca mx.crt` });
    const { say, wire } = await begin();
    await say('EHLO client.example');
    await say('STARTTLS');
    assert.equal(wire.handshakes[0]?.clientCertificates, 'require');
  });

  it('a bad line of tls_protocols or tls_ciphers means the default', async () => {
    const { begin } = await open({ config: { tls_protocols: 'SSLv3', tls_ciphers: 'nonsense' } });
    const { say } = await begin();
    assert.match(await say('EHLO client.example'), /STARTTLS/);
  });

  it('a list of certificates that no client is asked for is warned of', async () => {
    const { stage } = await open({ config: { tls_clients: FINGERPRINT } });
    assert.ok(stage.takeLog().some((entry) => /config\/tls_clients does nothing: /.test(entry)));
  });

  it('an old version is warned of', async () => {
    const { stage } = await open({ config: { tls_protocols: 'TLSv1:TLSv1_1:TLSv1_2' } });
    assert.ok(
      stage.takeLog().some((entry) => /config\/tls_protocols allows TLSv1, which is broken$/.test(entry)),
    );
  });
});
