import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Address } from 'qpsmtpd';
import { readAnswer } from '../../../plugins/queue/_qmqp.ts';
import plugin from '../../../plugins/queue/qmqp.ts';
import { freePort } from '../../support/free-port.ts';
import { listenAs } from '../../support/peer-stand-in.ts';
import { BODY, HEADER, oddAddresses, setUpQueue, shown } from '../../support/queue-plugin.ts';

const MESSAGE = `${HEADER}\r\n${BODY}`.replaceAll('\r\n', '\n');
const LATER = 'DENYSOFT 4.4.1 the message cannot be handed on now, try again later';
const big = { body: 'x'.repeat(78).concat('\r\n').repeat(100_000) };

const netstring = (text: string) => `${text.length}:${text},`;

/** Whether a netstring is there whole. */
function isWhole(heard: string): boolean {
  const [, length] = /^(\d+):/.exec(heard) ?? [];
  return length !== undefined && heard.length >= length.length + 1 + Number(length) + 1;
}

/** Says this once the message is there. */
const saying = (answer: string) => (socket: Socket, heard: string) => {
  if (isWhole(heard)) socket.end(answer);
};

describe('the server gets', () => {
  for (const spooled of [false, true]) {
    it(`message, sender and recipients as netstrings, from ${spooled ? 'the spool' : 'memory'}`, async () => {
      const server = await listenAs(saying(netstring('Kok')));
      const queue = setUpQueue(plugin, `127.0.0.1:${server.port}`);
      const recipients = ['<user@example.org>', '<用户@bücher.example>'];
      const { verdict } = await queue.deliver({ recipients, spooled, sender: '<>' });
      assert.equal(shown(verdict), 'OK queued: ok');
      const utf8 = Buffer.from('用户@bücher.example').toString('latin1');
      const parts = [MESSAGE, '', 'user@example.org', utf8].map(netstring).join('');
      assert.deepEqual(server.heard, [netstring(parts)]);
      assert.deepEqual(queue.log, [`info pass, 127.0.0.1:${server.port}: ok`]);
    });

    it(`a big message with the right length, from ${spooled ? 'the spool' : 'memory'}`, async () => {
      const server = await listenAs(saying(netstring('K')));
      const all = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1');
      const body = `${all}\r\n.\r\r\n,${'y'.repeat(700)}\n`.repeat(4000);
      const { verdict } = await setUpQueue(plugin, `127.0.0.1:${server.port}`).deliver({ body, spooled });
      assert.equal(verdict.code, 'OK');
      const message = `${HEADER}\r\n${body}`.replaceAll('\r\n', '\n');
      const parts = [message, 'sender@example.net', 'user@example.org'].map(netstring).join('');
      assert.ok(server.heard[0] === netstring(parts));
    });
  }

  it('every address as one netstring, without quotes', async () => {
    const server = await listenAs(saying(netstring('K')));
    await setUpQueue(plugin, `127.0.0.1:${server.port}`).deliver({ recipients: oddAddresses });
    const plain = oddAddresses.map((path) => {
      const { localPart, domain } = Address.parse(path) ?? Address.nullSender;
      return netstring(domain === '' ? localPart : `${localPart}@${domain}`);
    });
    assert.ok(server.heard[0]?.endsWith(`${netstring('sender@example.net')}${plain.join('')},`));
  });
});

describe('answers', () => {
  const cases: [answer: string, verdict: string][] = [
    ['Kqueued as 1', 'OK queued: queued as 1'],
    ['Zfull', 'DENYSOFT 4.3.0 full'],
    ['Z4.2.2 full', 'DENYSOFT 4.2.2 full'],
    ['Dno', 'DENY 5.3.0 no'],
    ['DError: 5.7.1 no', 'DENY 5.7.1 no'],
    ['D4.7.1 no', 'DENY 5.3.0 no'],
    ['D', 'DENY 5.3.0'],
  ];
  for (const [answer, expected] of cases) {
    it(`${answer} is ${expected}`, async () => {
      const server = await listenAs(saying(netstring(answer)));
      const { verdict } = await setUpQueue(plugin, `127.0.0.1:${server.port}`).deliver();
      assert.equal(shown(verdict), expected);
    });
  }

  it('may come octet by octet', () => {
    const whole = Buffer.from('3:Kok,');
    for (let end = 0; end < whole.length; end++) assert.equal(readAnswer(whole.subarray(0, end)), null);
    assert.deepEqual(readAnswer(whole), { value: { kind: 'K', text: 'ok' }, used: 6 });
  });

  for (const answer of ['220 hello\r\n', '3:Xok,', '0:,', '99999:K', '3:Kok;', ':Kok,', '-1:K,']) {
    it(`that are none are no success: ${JSON.stringify(answer)}`, async () => {
      const server = await listenAs(saying(answer));
      const queue = setUpQueue(plugin, `127.0.0.1:${server.port},127.0.0.1:${server.port}`);
      assert.equal(shown((await queue.deliver()).verdict), LATER);
      // It has the message, whatever it says: nobody else is asked.
      assert.equal(server.heard.length, 1);
    });
  }
});

describe('a server that', () => {
  it('cannot be reached is passed over, and so is one that goes before the end of the message', async () => {
    const away = await freePort();
    const dying = await listenAs((socket, heard) => {
      if (heard !== '') socket.destroy();
    });
    const good = await listenAs(saying(netstring('K')));
    const queue = setUpQueue(plugin, `127.0.0.1:${away},127.0.0.1:${dying.port},127.0.0.1:${good.port}`);
    assert.equal((await queue.deliver(big)).verdict.code, 'OK');
    assert.equal(good.heard.length, 1);
    assert.deepEqual(
      queue.log.map((line) => line.split(' ')[0]),
      ['error', 'error', 'info'],
    );
  });

  it('goes without an answer may have the message: no other is asked', async () => {
    const silent = await listenAs((socket, heard) => {
      if (isWhole(heard)) socket.destroy();
    });
    const good = await listenAs(saying(netstring('K')));
    const queue = setUpQueue(plugin, `127.0.0.1:${silent.port},127.0.0.1:${good.port}`);
    assert.equal(shown((await queue.deliver()).verdict), LATER);
    assert.deepEqual(good.heard, []);
  });

  it('says no to the length is heard, though it reads no more', async () => {
    const server = await listenAs((socket, heard) => {
      if (heard !== '') socket.end(netstring('Dtoo big'), () => socket.destroy());
    });
    const { verdict } = await setUpQueue(plugin, `127.0.0.1:${server.port}`).deliver(big);
    assert.equal(shown(verdict), 'DENY 5.3.0 too big');
  });

  it('takes a message before it has it does not speak QMQP', async () => {
    const server = await listenAs((socket, heard) => {
      if (heard !== '' && !isWhole(heard)) socket.write(netstring('K'));
    });
    const { verdict } = await setUpQueue(plugin, `127.0.0.1:${server.port}`).deliver(big);
    assert.equal(shown(verdict), LATER);
  });

  it('hangs is given up with its time, before and after the message', async () => {
    const deaf = await listenAs((socket) => socket.pause());
    const mute = await listenAs(() => {});
    for (const [{ port }, mail] of [
      [deaf, big],
      [mute, {}],
    ] as const) {
      const queue = setUpQueue(plugin, `127.0.0.1:${port} answer_timeout 1`);
      assert.equal(shown((await queue.deliver(mail)).verdict), LATER);
      assert.match(queue.log[0] ?? '', /does not answer in time$/);
    }
  });

  it('is in the middle of the message when the client goes gets no end of it', async () => {
    const client = new AbortController();
    const server = await listenAs((socket, heard) => {
      if (heard === '') return;
      socket.pause();
      client.abort();
    });
    const queue = setUpQueue(plugin, `127.0.0.1:${server.port},127.0.0.1:${server.port}`);
    assert.equal(shown((await queue.deliver({ ...big, signal: client.signal })).verdict), LATER);
    assert.equal(server.heard.length, 1);
    assert.ok(!isWhole(server.heard[0] ?? ''));
  });
});

describe('mistakes of a line', () => {
  for (const words of ['', 'a_b:0', 'host:99999', 'a,,b', '/run/socket']) {
    it(words, () => assert.throws(() => setUpQueue(plugin, words)));
  }
});
