import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Address } from 'qpsmtpd';
import { cleanupFlags, refusalOf } from '../../../plugins/queue/_cleanup-codes.ts';
import { LineRecords } from '../../../plugins/queue/_cleanup-lines.ts';
import { readAttributes, record } from '../../../plugins/queue/_cleanup-records.ts';
import plugin from '../../../plugins/queue/postfix-queue.ts';
import { cleanUp } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.ts';
import { listenAs } from '../../support/peer-stand-in.ts';
import { HEADER, type Mail, setUpQueue, shown } from '../../support/queue-plugin.ts';

const LATER = 'DENYSOFT 4.4.1 the message cannot be handed on now, try again later';
const GREETING = 'protocol\0cleanup_protocol\0queue_id\0ABC\0\0';
const END = 'X\0E\0';
const big = { body: 'x'.repeat(78).concat('\r\n').repeat(100_000) };

/** Greets, and says this at the end of the message. */
const cleanup =
  (end: string, greeting = GREETING) =>
  (socket: Socket, heard: string) => {
    if (heard === '') socket.write(greeting, 'latin1');
    else if (heard.endsWith(END)) socket.end(end, 'latin1');
  };
const TAKEN = 'status\x000\0reason\0\0\0';

interface Parsed {
  readonly flags: string;
  /** `TYPE TEXT` */
  readonly records: readonly string[];
}

function parse(heard = ''): Parsed {
  const octets = Buffer.from(heard, 'latin1');
  const found = readAttributes(octets);
  assert.ok(found);
  const records: string[] = [];
  for (let at = found.used; at < octets.length; ) {
    const type = String.fromCharCode(octets[at++] ?? 0);
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const octet = octets[at++] ?? 0;
      length |= (octet & 127) << shift;
      more = octet >= 128;
    }
    records.push(`${type} ${octets.toString('latin1', at, at + length)}`);
    at += length;
  }
  return { flags: found.value.get('flags') ?? '', records };
}

async function heardOf(mail: Mail, words = ''): Promise<Parsed> {
  const server = await listenAs(cleanup(TAKEN));
  const { verdict } = await setUpQueue(plugin, `127.0.0.1:${server.port} ${words}`).deliver(mail);
  assert.equal(shown(verdict), 'OK queued as ABC');
  return parse(server.heard[0]);
}

describe('cleanup gets', () => {
  it('what smtpd tells it, in its order', async () => {
    const { flags, records } = await heardOf({
      params: { BODY: '8BITMIME', RET: 'HDRS', ENVID: 'id+2B1' },
      rcptParams: { NOTIFY: 'SUCCESS,DELAY', ORCPT: 'rfc822;a+2Bb@x.example' },
      connection: { authentication: { mechanism: 'plain', user: 'me', passed: true } },
    });
    assert.equal(flags, '0');
    assert.deepEqual(records, [
      'T 1700000000 123000',
      'A rewrite_context=remote',
      'A sasl_method=PLAIN',
      'A sasl_username=me',
      'A envelope_id=id+1',
      'A ret_flags=2',
      'S sender@example.net',
      'A encoding=8bit',
      'A log_client_name=client.example',
      'A log_client_address=192.0.2.1',
      'A log_client_port=49152',
      'A log_message_origin=client.example[192.0.2.1]',
      'A log_helo_name=helo.example',
      'A log_protocol_name=ESMTP',
      'A client_name=client.example',
      'A reverse_client_name=client.example',
      'A client_address=192.0.2.1',
      'A client_port=49152',
      'A server_address=192.0.2.25',
      'A server_port=25',
      'A helo_name=helo.example',
      'A protocol_name=ESMTP',
      'A client_address_type=2',
      'A notify_flags=10',
      'A dsn_orig_rcpt=rfc822;a+b@x.example',
      'R user@example.org',
      'M ',
      'N Subject: test',
      'N X-Fold: a',
      'N  b',
      'N ',
      'N Hello',
      'N there',
      'X ',
      'E ',
    ]);
  });

  it('an IPv6 client, its words as one record, and none that are empty', async () => {
    const hello = { verb: 'helo', host: 'a\nS b\0c' } as const;
    const { records } = await heardOf({
      sender: '<>',
      connection: { remoteIp: '2001:db8::1', remoteHost: 'Unknown', hello },
    });
    for (const line of [
      'S ',
      'A log_client_name=unknown',
      'A log_client_address=IPv6:2001:db8::1',
      'A log_message_origin=unknown[2001:db8::1]',
      'A client_address=2001:db8::1',
      'A client_address_type=10',
      'A log_helo_name=a?S b?c',
      'A protocol_name=SMTP',
    ]) {
      assert.ok(records.includes(line), line);
    }
    assert.ok(!records.some((line) => /^A [a-z_]*=$/.test(line)));
  });

  it('what a trusted proxy has said of the client (XFORWARD) for its log', async () => {
    const forwarded = new Map([
      ['NAME', 'spike.example'],
      ['ADDR', '192.0.2.99'],
      ['PROTO', 'SMTP'],
    ]);
    const { records } = await heardOf({ connection: { forwarded } });
    assert.ok(records.includes('A log_message_origin=spike.example[192.0.2.99]'));
    assert.ok(records.includes('A client_address=192.0.2.1'));
  });

  it('addresses without quotes, in UTF-8 with its flag, and original recipients with them', async () => {
    const { flags, records } = await heardOf(
      { recipients: ['<"a,b"@example.org>', '<用户@bücher.example>'], params: { SMTPUTF8: true } },
      'FLAG_FILTER',
    );
    assert.equal(flags, String(2 + 256));
    const utf8 = Buffer.from('R 用户@bücher.example').toString('latin1');
    const last = records.slice(records.indexOf('M ') - 3, records.indexOf('M '));
    assert.deepEqual(last, ['A dsn_orig_rcpt=rfc822;"a,b"@example.org', 'R a,b@example.org', utf8]);
  });

  it('original recipients in UTF-8 (RFC 6533)', async () => {
    const { records } = await heardOf({ rcptParams: { ORCPT: 'utf-8;gr\\x{FC}n@x.example' } });
    const expected = Buffer.from('A dsn_orig_rcpt=utf-8;grün@x.example').toString('latin1');
    assert.ok(records.includes(expected));
  });

  it('nothing with an address that holds what none can', async () => {
    const recipients = [new Address('a\nb', 'example.org')];
    const { verdict } = await setUpQueue(plugin, '/nowhere').deliver({ recipients });
    assert.equal(shown(verdict), 'DENY 5.1.3 an address cannot be handed on');
  });

  for (const spooled of [false, true]) {
    it(`every octet of a big message from ${spooled ? 'the spool' : 'memory'}`, async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1');
      const body = `${all}\r\n\r\n${'z'.repeat(5000)}\r\n${'y'.repeat(2048)}\r\n`.repeat(500);
      const { records } = await heardOf({ body, spooled });
      const content = records.slice(records.indexOf('M ') + 1, -2);
      const text = content.map((line) => line.slice(2) + (line[0] === 'N' ? '\n' : '')).join('');
      assert.ok(text === `${HEADER}\r\n${body}`.replaceAll('\r\n', '\n'));
      assert.ok(content.every((line) => line.length <= 2050));
    });
  }
});

describe('records of lines', () => {
  it('are the same wherever the message is cut', () => {
    const text = Buffer.from(`a\n\n${'b'.repeat(2048)}\n${'c'.repeat(2049)}\n${'d'.repeat(6000)}\n\nend`);
    const whole = new LineRecords();
    const expected = Buffer.concat([whole.convert(text), whole.end()]);
    for (const size of [1, 2, 7, 1000, 2048, 2049, 5000]) {
      const lines = new LineRecords();
      const pieces: Buffer[] = [];
      for (let at = 0; at < text.length; at += size) {
        pieces.push(lines.convert(text.subarray(at, at + size)));
      }
      assert.ok(Buffer.concat([...pieces, lines.end()]).equals(expected), String(size));
    }
  });

  it('have their length in base 128', () => {
    for (const [length, head] of [
      [0, [0]],
      [127, [127]],
      [128, [128, 1]],
      [2048, [128, 16]],
      [16_384, [128, 128, 1]],
    ] as const) {
      const octets = record('N', Buffer.alloc(length));
      assert.deepEqual([...octets.subarray(1, octets.length - length)], [...head]);
    }
  });
});

describe('flags', () => {
  it('have the numbers of cleanup_user.h', () => {
    assert.equal(cleanupFlags.get('MASK_EXTERNAL'), 2 | 16 | 32 | 64);
    assert.equal(cleanupFlags.get('FILTER_ALL'), 2 | 64);
    assert.equal(cleanupFlags.get('MASK_EXTRA'), 4 | 8);
    assert.equal(cleanupFlags.get('REQTLS'), 1 << 10);
  });

  it('add up; unknown words are named and have no effect', async () => {
    const server = await listenAs(cleanup(TAKEN));
    const words = 'FLAG_HOLD FLAG_BCC_OK FLAG_BCC_OK FLAG_NEW MAP_OK FLAG_constructor';
    const queue = setUpQueue(plugin, `127.0.0.1:${server.port} ${words}`);
    const { transaction } = await queue.deliver();
    assert.equal(parse(server.heard[0]).flags, '20');
    assert.equal(transaction.notes.get('postfix-queue-flags'), 20);
    assert.deepEqual(queue.log.slice(0, 3), [
      'warn "FLAG_NEW" is no flag of cleanup and has no effect',
      'warn "MAP_OK" is no flag of cleanup and has no effect',
      'warn "FLAG_constructor" is no flag of cleanup and has no effect',
    ]);
  });
});

describe('where cleanup is said to be', () => {
  const socketsOf = async (
    words: string,
    env: Record<string, string>,
    cleanup_sockets: readonly string[],
  ) => {
    const queue = setUpQueue(plugin, words, { env, files: { cleanup_sockets } });
    const { transaction } = await queue.deliver();
    return [...(transaction.notes.get('postfix-queue-sockets') ?? [])];
  };

  it('the environment goes before the file, that before the line, and that before the usual place', async () => {
    const env = { POSTFIXQUEUE: '/env' };
    assert.deepEqual(await socketsOf('/line', env, ['/file']), ['/env']);
    assert.deepEqual(await socketsOf('/line FLAG_NONE', {}, ['/file', '127.0.0.1:1']), [
      '/file',
      '127.0.0.1:1',
    ]);
    assert.deepEqual(await socketsOf('/line FLAG_NONE', {}, []), ['/line']);
    const usual = setUpQueue(plugin, 'connect_timeout 1 FLAG_NONE');
    const { transaction } = await usual.deliver({ signal: AbortSignal.abort() });
    assert.deepEqual(
      [...(transaction.notes.get('postfix-queue-sockets') ?? [])],
      ['/var/spool/postfix/public/cleanup'],
    );
  });

  it('a unix socket will do, and mistakes are found at the start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-cleanup-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    await listenAs(cleanup(TAKEN), join(folder, 'cleanup'));
    assert.equal((await setUpQueue(plugin, join(folder, 'cleanup')).deliver()).verdict.code, 'OK');
    assert.throws(() => setUpQueue(plugin, 'host:x'));
    assert.throws(() => setUpQueue(plugin, '', { env: { POSTFIXQUEUE: 'host' } }));
    assert.throws(() => setUpQueue(plugin, '', { files: { cleanup_sockets: ['host'] } }));
  });
});

describe('statuses', () => {
  const cases: [status: number, reason: string, verdict: string][] = [
    [1, '', 'DENYSOFT 4.3.0 internal protocol error'],
    [2, '', 'DENYSOFT 4.3.0 queue file write error'],
    [4, '', 'DENY 5.3.4 message file too big'],
    [8, '', 'DENY 5.7.1 message content rejected'],
    [8, '5.7.9 no such words here', 'DENY 5.7.9 no such words here'],
    [8, '4.7.9 later', 'DENYSOFT 4.7.9 later'],
    [8, '550-5.7.8 one\r\n550 5.7.8 two', 'DENY 5.7.8 one / two'],
    [16, '', 'DENY 5.4.0 too many hops'],
    [64, '', 'DENY 5.1.0 no recipients specified'],
    [128, '', 'DENYSOFT 4.3.0 queue file write error'],
    [256, '', 'DENYSOFT 4.7.1 service unavailable'],
    [256, '4.7.2 milter down', 'DENYSOFT 4.7.2 milter down'],
    [256, '5.7.2 odd', 'DENYSOFT 4.7.2 odd'],
    [512, '', 'DENY 5.7.1 service denied'],
    [4 | 2, '', 'DENYSOFT 4.3.0 queue file write error'],
    [1 << 20, 'what', 'DENYSOFT 4.3.0 the message could not be queued'],
  ];
  for (const [status, reason, expected] of cases) {
    it(`${status} ${JSON.stringify(reason)} is ${expected}`, async () => {
      const server = await listenAs(cleanup(`status\0${status}\0reason\0${reason}\0\0`));
      const queue = setUpQueue(plugin, `127.0.0.1:${server.port}`);
      assert.equal(shown((await queue.deliver()).verdict), expected);
      assert.match(queue.log[0] ?? '', new RegExp(`^notice fail, .*: status ${status}, `));
    });
  }

  it('with a bit of 31 are not lost', () => assert.equal(refusalOf(2 ** 31, '').isPermanent, false));
});

describe('a cleanup that', () => {
  const silent = (socket: Socket, heard: string) => {
    if (heard === '') socket.write(GREETING, 'latin1');
  };

  it('is of Postfix before 3.6, with no name of its protocol, is cleanup as well', async () => {
    const server = await listenAs(cleanup(TAKEN, 'queue_id\0ABC\0\0'));
    const { verdict } = await setUpQueue(plugin, `127.0.0.1:${server.port}`).deliver();
    assert.equal(shown(verdict), 'OK queued as ABC');
  });

  it('is none, cannot be reached, or goes before the end of the message is passed over', async () => {
    const bounce = await listenAs(cleanup(TAKEN, 'protocol\0delivery_status_protocol\0queue_id\0A\0\0'));
    const smtp = await listenAs(cleanup(TAKEN, '220 hello\r\n\0\0'));
    const dying = await listenAs((socket, heard) => {
      silent(socket, heard);
      if (heard.length > 1000) socket.destroy();
    });
    const good = await listenAs(cleanup(TAKEN));
    const cleanup_sockets = [
      '/nowhere',
      `127.0.0.1:${await freePort()}`,
      ...[bounce, smtp, dying, good].map(({ port }) => `127.0.0.1:${port}`),
    ];
    const queue = setUpQueue(plugin, 'FLAG_NONE', { files: { cleanup_sockets } });
    assert.equal((await queue.deliver(big)).verdict.code, 'OK');
    assert.equal(queue.log.filter((line) => line.startsWith('error ')).length, 5);
  });

  it('goes without an answer, or answers nonsense, may have the message: no other is asked', async () => {
    for (const end of ['', 'status\0no\0\0', 'reason\0\0\0', 'nonsense here\0']) {
      const first = await listenAs(cleanup(end));
      const good = await listenAs(cleanup(TAKEN));
      const cleanup_sockets = [first, good].map(({ port }) => `127.0.0.1:${port}`);
      const queue = setUpQueue(plugin, '', { files: { cleanup_sockets } });
      assert.equal(shown((await queue.deliver()).verdict), LATER);
      assert.deepEqual(good.heard, []);
    }
  });

  it('hangs is given up with its time: at the greeting, in the message, at the end', async () => {
    const mute = await listenAs(() => {});
    const deaf = await listenAs((socket, heard) => {
      silent(socket, heard);
      if (heard !== '') socket.pause();
    });
    const late = await listenAs(silent);
    for (const { port } of [mute, deaf, late]) {
      const queue = setUpQueue(plugin, `answer_timeout 1 127.0.0.1:${port}`);
      assert.equal(shown((await queue.deliver(big)).verdict), LATER);
      assert.match(queue.log[0] ?? '', /does not answer in time$/);
    }
  });

  it('is in the middle of the message when the client goes gets no end of it', async () => {
    const client = new AbortController();
    const server = await listenAs((socket, heard) => {
      silent(socket, heard);
      if (heard.length < 1000) return;
      socket.pause();
      client.abort();
    });
    const queue = setUpQueue(plugin, `127.0.0.1:${server.port}`);
    assert.equal(shown((await queue.deliver({ ...big, signal: client.signal })).verdict), LATER);
    assert.equal(server.heard.length, 1);
    assert.ok(!server.heard[0]?.endsWith(END));
  });
});
