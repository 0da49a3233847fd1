// The resolver over real sockets, against scripted servers on loopback.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, it, type TestContext } from 'node:test';
import type { Answer } from 'dns-packet';
import { DnsResolver, type ResolverOptions } from '../../src/net/resolver.ts';
import { freePort } from '../support/free-port.ts';
import {
  type Asked,
  type LoopbackDns,
  loopbackDns,
  manualClock,
  replyTo,
  type Script,
  soa,
} from './loopback-dns.ts';

const a = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, data, ttl });
const alias = (name: string, data: string, ttl = 60): Answer => ({ type: 'CNAME', name, data, ttl });
const silent: Script = () => [];

async function start(t: TestContext, script: Script): Promise<LoopbackDns> {
  const dns = await loopbackDns(script);
  t.after(() => dns.close());
  return dns;
}

function resolverFor(t: TestContext, servers: LoopbackDns[], options: Partial<ResolverOptions> = {}) {
  const resolver = new DnsResolver({
    clock: manualClock(),
    servers: servers.map(({ server }) => server),
    timeoutMs: 2000,
    ...options,
  });
  t.after(() => resolver.close());
  return resolver;
}

/** A resolver whose one server answers by `script`. */
async function setUp(t: TestContext, script: Script, options: Partial<ResolverOptions> = {}) {
  const dns = await start(t, script);
  return { dns, resolver: resolverFor(t, [dns], options) };
}

const zone =
  (answers: Answer[]): Script =>
  ({ query }) => [replyTo(query, { answers })];

describe('answers by type', () => {
  it('gives addresses with their time to live', async (t) => {
    const answers = [a('example.com', '192.0.2.1', 60), a('example.com', '192.0.2.2', 30)];
    const { resolver, dns } = await setUp(t, zone(answers));
    assert.deepEqual(await resolver.resolve4('Example.COM.'), {
      kind: 'answer',
      values: ['192.0.2.1', '192.0.2.2'],
      ttl: 30,
    });
    assert.deepEqual(dns.log, ['udp A Example.COM']);
  });

  it('writes IPv6 addresses as RFC 5952 does', async (t) => {
    const data = '2001:db8:0:0:1:0:0:1';
    const { resolver } = await setUp(t, zone([{ type: 'AAAA', name: 'example.com', data, ttl: 1 }]));
    const answer = await resolver.resolve6('example.com');
    assert.deepEqual(answer, { kind: 'answer', values: ['2001:db8::1:0:0:1'], ttl: 1 });
  });

  it('gives exchangers, the null MX of RFC 7505 included', async (t) => {
    const { resolver } = await setUp(
      t,
      zone([
        { type: 'MX', name: 'example.com', ttl: 5, data: { preference: 10, exchange: 'mx.example.com' } },
        { type: 'MX', name: 'example.com', ttl: 5, data: { preference: 0, exchange: '.' } },
      ]),
    );
    assert.deepEqual(await resolver.resolveMx('example.com'), {
      kind: 'answer',
      values: [
        { preference: 10, exchange: 'mx.example.com' },
        { preference: 0, exchange: '.' },
      ],
      ttl: 5,
    });
  });

  it('joins the strings of one text record, octet by octet', async (t) => {
    const data = ['v=spf1 ', Buffer.from([0xe9, 0x00]), '-all'];
    const { resolver } = await setUp(t, zone([{ type: 'TXT', name: 'example.com', data, ttl: 9 }]));
    const answer = await resolver.resolveTxt('example.com');
    assert.deepEqual(answer, { kind: 'answer', values: ['v=spf1 \xe9\0-all'], ttl: 9 });
  });

  it('gives name servers', async (t) => {
    const data = 'ns.example.com';
    const { resolver } = await setUp(t, zone([{ type: 'NS', name: 'example.com', data, ttl: 9 }]));
    assert.deepEqual(await resolver.resolveNs('example.com'), { kind: 'answer', values: [data], ttl: 9 });
  });

  it('tells a missing name from missing data', async (t) => {
    const { resolver } = await setUp(t, ({ query, name }) => [
      replyTo(query, { rcode: name === 'none.example' ? 3 : 0, authorities: [soa(60)] }),
    ]);
    assert.deepEqual(await resolver.resolve4('none.example'), { kind: 'no-name' });
    assert.deepEqual(await resolver.resolve4('empty.example'), { kind: 'no-data' });
  });

  it('asks for names that SPF macros make', async (t) => {
    const name = 'a+b:c d/e._spf.example.com';
    const { resolver } = await setUp(t, zone([{ type: 'TXT', name, data: 'found', ttl: 1 }]));
    assert.deepEqual(await resolver.resolveTxt(name), { kind: 'answer', values: ['found'], ttl: 1 });
  });

  it('does not ask for names that cannot exist', async (t) => {
    const { resolver, dns } = await setUp(t, zone([]));
    const long = `${'a'.repeat(63)}.`.repeat(4);
    for (const name of [
      `${'a'.repeat(64)}.example`,
      `${long}example`,
      'a..b',
      '',
      '.',
      'ä.example',
      'a\n.b',
    ]) {
      assert.deepEqual(await resolver.resolve4(name), { kind: 'no-name' }, JSON.stringify(name));
    }
    assert.deepEqual(dns.log, []);
  });
});

describe('reverse names', () => {
  it('asks under in-addr.arpa and ip6.arpa', async (t) => {
    const { resolver, dns } = await setUp(t, ({ query, name }) => [
      replyTo(query, { answers: [{ type: 'PTR', name, data: 'client.example.com', ttl: 7 }] }),
    ]);
    const expected = { kind: 'answer', values: ['client.example.com'], ttl: 7 };
    assert.deepEqual(await resolver.reverse('192.0.2.1'), expected);
    assert.deepEqual(await resolver.reverse('2001:db8::1'), expected);
    assert.deepEqual(dns.log, [
      'udp PTR 1.2.0.192.in-addr.arpa',
      `udp PTR 1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`,
    ]);
  });

  it('knows loopback without asking, and no name for what is no address', async (t) => {
    const { resolver, dns } = await setUp(t, zone([]));
    for (const ip of ['127.0.0.1', '127.8.9.10', '::1', '0:0::0:1', '::ffff:127.0.0.1']) {
      assert.deepEqual(await resolver.reverse(ip), { kind: 'answer', values: ['localhost'], ttl: 0 }, ip);
    }
    assert.deepEqual(await resolver.reverse('client.example.com'), { kind: 'no-name' });
    assert.deepEqual(dns.log, []);
  });

  it('leaves out names that are no host names', async (t) => {
    const { resolver } = await setUp(t, ({ query, name }) => [
      replyTo(query, {
        answers: ['evil\r\nX-Header: 1', 'b\u00e4d.example', 'good.example'].map(
          (data): Answer => ({ type: 'PTR', name, data, ttl: 7 }),
        ),
      }),
    ]);
    assert.deepEqual(await resolver.reverse('192.0.2.1'), {
      kind: 'answer',
      values: ['good.example'],
      ttl: 7,
    });
  });
});

describe('aliases', () => {
  it('are followed in the answer, whatever their order; the smallest TTL counts', async (t) => {
    const { resolver } = await setUp(
      t,
      zone([
        a('c.example', '192.0.2.3', 90),
        alias('B.example', 'c.example', 20),
        alias('a.example', 'b.Example'),
      ]),
    );
    assert.deepEqual(await resolver.resolve4('a.example'), {
      kind: 'answer',
      values: ['192.0.2.3'],
      ttl: 20,
    });
  });

  it('that go in a circle are a failure', async (t) => {
    const { resolver } = await setUp(
      t,
      zone([alias('a.example', 'b.example'), alias('b.example', 'a.example')]),
    );
    assert.deepEqual(await resolver.resolve4('a.example'), { kind: 'failure', reason: 'CNAME loop' });
  });

  it('are bounded', async (t) => {
    const chain = (length: number) => [
      ...Array.from({ length }, (_, i) => alias(`n${i}.example`, `n${i + 1}.example`)),
      a(`n${length}.example`, '192.0.2.9'),
    ];
    const { resolver } = await setUp(t, ({ query, type }) => [
      replyTo(query, { answers: type === 'A' ? chain(16) : chain(17) }),
    ]);
    assert.equal((await resolver.resolve4('n0.example')).kind, 'answer');
    assert.equal((await resolver.resolve6('n0.example')).kind, 'failure');
  });

  it('that lead nowhere are missing data', async (t) => {
    const { resolver } = await setUp(t, zone([alias('a.example', 'b.example')]));
    assert.deepEqual(await resolver.resolve4('a.example'), { kind: 'no-data' });
  });

  it('do not lend their name to records of others', async (t) => {
    const { resolver } = await setUp(t, zone([a('bank.example', '192.0.2.66')]));
    assert.deepEqual(await resolver.resolve4('a.example'), { kind: 'no-data' });
  });
});

describe('servers that fail', () => {
  it('SERVFAIL: the next one is asked at once', async (t) => {
    const bad = await start(t, ({ query }) => [replyTo(query, { rcode: 2 })]);
    const good = await start(t, zone([a('example.com', '192.0.2.1')]));
    const resolver = resolverFor(t, [bad, good], { timeoutMs: 60_000 });
    assert.equal((await resolver.resolve4('example.com')).kind, 'answer');
    assert.equal(bad.log.length, 1);
  });

  it('all of them: the failure names the reason, and each was asked once', async (t) => {
    const { resolver, dns } = await setUp(t, ({ query }) => [replyTo(query, { rcode: 5 })], {
      timeoutMs: 60_000,
    });
    assert.deepEqual(await resolver.resolve4('example.com'), { kind: 'failure', reason: 'REFUSED' });
    assert.equal(dns.log.length, 1);
  });

  it('nobody listening: a failure at once, not a timeout', async (t) => {
    const servers = [{ address: '127.0.0.1', port: await freePort() }];
    const resolver = resolverFor(t, [], { servers, timeoutMs: 60_000 });
    assert.deepEqual(await resolver.resolve4('example.com'), { kind: 'failure', reason: 'ECONNREFUSED' });
  });

  it('silence: another server is asked, then the first again, then it is a timeout', async (t) => {
    const [one, two] = [await start(t, silent), await start(t, silent)];
    const resolver = resolverFor(t, [one, two], { timeoutMs: 200 });
    assert.deepEqual(await resolver.resolve4('example.com'), { kind: 'timeout' });
    assert.deepEqual([one.log.length, two.log.length], [2, 2]);
  });

  it('silence of one: the other one answers', async (t) => {
    const one = await start(t, silent);
    const two = await start(t, zone([a('example.com', '192.0.2.2')]));
    const answer = await resolverFor(t, [one, two], { timeoutMs: 1000 }).resolve4('example.com');
    assert.deepEqual(answer, { kind: 'answer', values: ['192.0.2.2'], ttl: 60 });
  });

  it('a referral instead of recursion is no answer', async (t) => {
    const { resolver } = await setUp(t, ({ query }) => [
      replyTo(query, { authorities: [{ type: 'NS', name: 'com', data: 'ns.example', ttl: 1 }] }),
    ]);
    assert.equal((await resolver.resolve4('example.com')).kind, 'failure');
  });

  it('an unusable server is a failure, no exception', async (t) => {
    const resolver = resolverFor(t, [], { servers: [{ address: '127.0.0.1', port: 0 }] });
    assert.equal((await resolver.resolve4('example.com')).kind, 'failure');
    assert.equal((await resolverFor(t, []).resolve4('example.com')).kind, 'failure');
    const broken = () => {
      throw new Error('no servers today');
    };
    assert.equal((await resolverFor(t, [], { servers: broken }).resolve4('a.example')).kind, 'failure');
  });
});

describe('truncated replies', () => {
  it('are asked for over TCP', async (t) => {
    const long = 'x'.repeat(250);
    const { resolver, dns } = await setUp(t, ({ query, via }) =>
      via === 'udp'
        ? [replyTo(query, { truncated: true })]
        : [
            replyTo(query, {
              answers: [{ type: 'TXT', name: 'example.com', data: [long, long, long], ttl: 1 }],
            }),
          ],
    );
    const answer = await resolver.resolveTxt('example.com');
    assert.deepEqual(answer, { kind: 'answer', values: [long.repeat(3)], ttl: 1 });
    assert.deepEqual(dns.log, ['udp TXT example.com', 'tcp TXT example.com']);
  });

  it('over TCP count only when they fit the question', async (t) => {
    const { resolver } = await setUp(t, ({ query, via }) => [
      replyTo(query, via === 'udp' ? { truncated: true } : { name: 'other.example' }),
    ]);
    assert.deepEqual(await resolver.resolve4('example.com'), {
      kind: 'failure',
      reason: 'reply to another question',
    });
  });

  it('where TCP is hung up on are a failure', async (t) => {
    const { resolver } = await setUp(t, ({ query, via }) =>
      via === 'udp' ? [replyTo(query, { truncated: true })] : [],
    );
    assert.equal((await resolver.resolve4('example.com')).kind, 'failure');
  });
});

describe('forged replies', () => {
  const forged = (query: Buffer, parts: Parameters<typeof replyTo>[1]) =>
    replyTo(query, { answers: [a('example.com', '192.0.2.66')], ...parts });
  const genuine = (query: Buffer) => replyTo(query, { answers: [a('example.com', '192.0.2.1')] });
  const idOf = ({ query }: Asked) => query.readUInt16BE(0);

  it('with another id or question are ignored', async (t) => {
    const { resolver } = await setUp(t, (asked) => [
      forged(asked.query, { id: (idOf(asked) + 1) & 0xffff }),
      forged(asked.query, { name: 'example.org' }),
      forged(asked.query, { type: 'TXT' }),
      forged(asked.query, {}).subarray(0, 12),
      asked.query,
      genuine(asked.query),
    ]);
    const answer = await resolver.resolve4('example.com');
    assert.deepEqual(answer, { kind: 'answer', values: ['192.0.2.1'], ttl: 60 });
  });

  it('from another address are ignored', async (t) => {
    const stranger = createSocket('udp4');
    t.after(() => stranger.close());
    const victim = createSocket('udp4');
    t.after(() => victim.close());
    await new Promise<void>((resolve) => victim.bind(0, '127.0.0.1', resolve));
    const { port } = victim.address();
    victim.on('message', (query, from) => {
      // The genuine reply goes out only when the forged one has been handed to the kernel.
      stranger.send(forged(query, {}), from.port, from.address, () =>
        victim.send(genuine(query), from.port, from.address),
      );
    });
    const resolver = resolverFor(t, [], { servers: [{ address: '127.0.0.1', port }] });
    const answer = await resolver.resolve4('example.com');
    assert.deepEqual(answer, { kind: 'answer', values: ['192.0.2.1'], ttl: 60 });
  });

  it('are hard to make: ids come from the given source, ports change', async (t) => {
    let id = 7;
    const { resolver, dns } = await setUp(t, zone([]), { random: () => id++ });
    for (let i = 0; i < 8; i++) await resolver.resolve4(`n${i}.example`);
    assert.deepEqual(dns.ids, [7, 8, 9, 10, 11, 12, 13, 14]);
    assert.ok(new Set(dns.sourcePorts).size > 4);
  });
});

describe('unreadable replies', () => {
  it('of random octets never throw', async (t) => {
    // A fixed sequence, so that a failure can be repeated.
    let state = 42;
    const octet = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 16) & 0xff;
    };
    const { resolver, dns } = await setUp(t, ({ query }) => {
      const tail = Buffer.from(Array.from({ length: octet() }, octet));
      const head = Buffer.from(query);
      head.writeUInt16BE(0x8180, 2);
      head.writeUInt16BE(octet() & 3, 6);
      head.writeUInt16BE(octet() & 3, 8);
      return [Buffer.concat([head, tail])];
    });
    const kinds = new Set<string>();
    for (let i = 0; i < 300; i++) kinds.add((await resolver.resolveTxt(`n${i}.example`)).kind);
    assert.equal(dns.log.length, 300);
    assert.ok(kinds.has('failure'));
    assert.ok(!kinds.has('timeout'));
  });
});

describe('keeping answers', () => {
  it('until their time is over', async (t) => {
    const clock = manualClock();
    const { resolver, dns } = await setUp(t, zone([a('example.com', '192.0.2.1', 60)]), { clock });
    await resolver.resolve4('example.com');
    clock.advance(59);
    assert.deepEqual(await resolver.resolve4('EXAMPLE.com.'), {
      kind: 'answer',
      values: ['192.0.2.1'],
      ttl: 1,
    });
    assert.equal(dns.log.length, 1);
    clock.advance(1);
    await resolver.resolve4('example.com');
    assert.equal(dns.log.length, 2);
  });

  it('not with a TTL of zero, nor with one that is negative (RFC 2181 8)', async (t) => {
    const { resolver, dns } = await setUp(t, ({ query, name }) => [
      replyTo(query, { answers: [a(name, '192.0.2.1', name === 'zero.example' ? 0 : 0x80000001)] }),
    ]);
    for (const name of ['zero.example', 'zero.example', 'minus.example', 'minus.example']) {
      assert.deepEqual(await resolver.resolve4(name), { kind: 'answer', values: ['192.0.2.1'], ttl: 0 });
    }
    assert.equal(dns.log.length, 4);
  });

  it('that say there is none as long as SOA tells, and not without SOA', async (t) => {
    const clock = manualClock();
    const script: Script = ({ query, name }) => [
      replyTo(query, { rcode: 3, authorities: name === 'soa.example' ? [soa(30)] : [] }),
    ];
    const { resolver, dns } = await setUp(t, script, { clock });
    await resolver.resolve4('soa.example');
    clock.advance(29);
    assert.deepEqual(await resolver.resolve4('soa.example'), { kind: 'no-name' });
    assert.equal(dns.log.length, 1);
    clock.advance(1);
    await resolver.resolve4('soa.example');
    await resolver.resolve4('bare.example');
    await resolver.resolve4('bare.example');
    assert.equal(dns.log.length, 4);
  });

  it('never when they are failures', async (t) => {
    const { resolver, dns } = await setUp(t, ({ query }) => [replyTo(query, { rcode: 2 })]);
    await resolver.resolve4('example.com');
    await resolver.resolve4('example.com');
    assert.equal(dns.log.length, 2);
  });
});

describe('questions under way', () => {
  it('are shared', async (t) => {
    const { resolver, dns } = await setUp(t, zone([a('example.com', '192.0.2.1', 0)]));
    const answers = await Promise.all([
      resolver.resolve4('example.com'),
      resolver.resolve4('Example.com.'),
      resolver.resolve4('example.COM'),
    ]);
    assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(['answer']));
    assert.equal(dns.log.length, 1);
  });

  it('can be given up by one without the others', async (t) => {
    const held: (() => void)[] = [];
    const socket = createSocket('udp4');
    t.after(() => socket.close());
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const came = new Promise<void>((resolve) => {
      socket.on('message', (query, from) => {
        const answers = [a('example.com', '192.0.2.1')];
        held.push(() => socket.send(replyTo(query, { answers }), from.port, from.address));
        resolve();
      });
    });
    const servers = [{ address: '127.0.0.1', port: socket.address().port }];
    const resolver = resolverFor(t, [], { servers, timeoutMs: 60_000 });
    const gone = new AbortController();
    const first = resolver.resolve4('example.com', { signal: gone.signal });
    const second = resolver.resolve4('example.com');
    const third = resolver.resolve4('example.com', { timeoutMs: 1 });
    await came;
    gone.abort();
    assert.deepEqual(await first, { kind: 'failure', reason: 'aborted' });
    assert.deepEqual(await third, { kind: 'timeout' });
    for (const release of held) release();
    assert.equal((await second).kind, 'answer');
  });

  it('are not begun for a signal that has aborted', async (t) => {
    const { resolver, dns } = await setUp(t, silent);
    const answer = await resolver.resolve4('example.com', { signal: AbortSignal.abort() });
    assert.deepEqual(answer, { kind: 'failure', reason: 'aborted' });
    assert.deepEqual(dns.log, []);
  });

  it('are asked anew after all have given up', async (t) => {
    let silence = true;
    const { resolver, dns } = await setUp(
      t,
      ({ query }) => (silence ? [] : [replyTo(query, { answers: [a('example.com', '192.0.2.1')] })]),
      { timeoutMs: 60_000 },
    );
    const gone = new AbortController();
    const first = resolver.resolve4('example.com', { signal: gone.signal });
    await dns.asked(1);
    gone.abort();
    silence = false;
    assert.equal((await resolver.resolve4('example.com')).kind, 'answer');
    assert.equal((await first).kind, 'failure');
    assert.equal(dns.log.length, 2);
  });

  it('may be many on one signal, more than sockets at a time', async (t) => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const { resolver, dns } = await setUp(
      t,
      ({ query, name }) => [replyTo(query, { answers: [a(name, '192.0.2.1')] })],
      { timeoutMs: 20_000 },
    );
    const { signal } = new AbortController();
    const answers = await Promise.all(
      Array.from({ length: 600 }, (_, i) => resolver.resolve4(`n${i}.example`, { signal })),
    );
    assert.ok(answers.every(({ kind }) => kind === 'answer'));
    assert.equal(dns.log.length, 600);
    assert.deepEqual(warnings, []);
  });

  it('wait their turn when there are too many, and count that time', async (t) => {
    const { resolver, dns } = await setUp(t, silent, { maxUnderWay: 2, attempts: 1, timeoutMs: 60_000 });
    const stop = new AbortController();
    const asked = ['a', 'b'].map((name) => resolver.resolve4(name, { signal: stop.signal }));
    await dns.asked(2);
    assert.deepEqual(await resolver.resolve4('c', { timeoutMs: 50 }), { kind: 'timeout' });
    assert.deepEqual(dns.log.toSorted(), ['udp A a', 'udp A b']);
    const last = resolver.resolve4('d', { signal: stop.signal });
    stop.abort();
    assert.equal((await last).kind, 'failure');
    await Promise.all(asked);
    void resolver.resolve4('e');
    await dns.asked(3);
    assert.equal(dns.log[2], 'udp A e');
  });

  it('end when the resolver is closed, and later ones fail', async (t) => {
    const { resolver, dns } = await setUp(t, silent, { timeoutMs: 60_000 });
    const asked = resolver.resolve4('example.com');
    await dns.asked(1);
    resolver.close();
    const closed = { kind: 'failure', reason: 'the resolver is closed' };
    assert.deepEqual(await asked, closed);
    assert.deepEqual(await resolver.resolve4('example.com'), closed);
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
      [],
    );
  });

  it('leave nothing behind that keeps the process alive', async (t) => {
    const { resolver } = await setUp(t, zone([a('example.com', '192.0.2.1')]));
    const before = process.getActiveResourcesInfo().length;
    await resolver.resolve4('example.com');
    // Handles are closed a turn of the event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(process.getActiveResourcesInfo().length <= before);
  });
});

it('takes the servers anew for each question when they are a function', async (t) => {
  const one = await start(t, zone([a('example.com', '192.0.2.1', 0)]));
  const two = await start(t, zone([a('example.com', '192.0.2.2', 0)]));
  let current = one;
  const resolver = resolverFor(t, [], { servers: () => [current.server] });
  await resolver.resolve4('example.com');
  current = two;
  assert.deepEqual(await resolver.resolve4('example.com'), { kind: 'answer', values: ['192.0.2.2'], ttl: 0 });
});
