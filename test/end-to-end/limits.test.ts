// The limits of a session (quirk 12 of the original: it has none): sizes, counts, time, and what a client costs that
// does not take its replies.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { type ConfigFiles, startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';

function start(config: ConfigFiles = {}): Promise<TestServer> {
  return startServer({
    config: { plugins: ['rcpt_ok', recordLine], rcpthosts: 'b.example', me: 'mx.b.example', ...config },
    files: recordPlugin,
  });
}

const transaction = (text: string) =>
  `MAIL FROM:<a@a.example>\r\nRCPT TO:<user@b.example>\r\nDATA\r\nSubject: ${text}\r\n\r\n${text}\r\n.\r\n`;

describe('limits', { concurrency: 4 }, () => {
  test('a command line that is too long is 500, and the next one counts', async () => {
    const server = await start();
    const client = await connect(server.port);
    await client.expect(220);
    await client.command(`NOOP ${'x'.repeat(505)}`, 250);
    await client.command(`NOOP ${'x'.repeat(506)}`, /^500 5\.5\.2 /);
    await client.command('EHLO c.example', 250);
    await client.command(`NOOP ${'x'.repeat(2041)}`, 250);
    await client.command(`NOOP ${'x'.repeat(2042)}`, /^500 5\.5\.2 /);
    await client.command('x'.repeat(1_000_000), /^500 5\.5\.2 /);
    await client.command('NOOP', 250);
  });

  test('max_command_line counts behind EHLO', async () => {
    const server = await start({ max_command_line: '4096' });
    const client = await greeted(server);
    await client.command(`NOOP ${'x'.repeat(4089)}`, 250);
    await client.command(`NOOP ${'x'.repeat(4090)}`, 500);
  });

  test('max_recipients: 452 for those above it, the others get the message', async () => {
    const server = await start({ max_recipients: '2' });
    const client = await greeted(server);
    await client.envelope('a@a.example', 'one@b.example', 'two@b.example');
    await client.command('RCPT TO:<three@b.example>', /^452 4\.5\.3 /);
    await client.command('DATA', 354);
    client.send('Subject: x\r\n\r\n.\r\n');
    await client.expect(250);
    assert.equal(recordedMessages(server.dir)[0]?.envelope, '<a@a.example> <one@b.example> <two@b.example>');
  });

  test('max_commands_without_mail: 421 and the end; a message starts the count anew', async () => {
    const server = await start({ max_commands_without_mail: '8' });
    const client = await greeted(server);
    client.send(transaction('counts'));
    for (const code of [250, 250, 354, 250]) await client.expect(code);
    for (let at = 0; at < 8; at++) await client.command('NOOP', 250);
    await client.command('NOOP', 250);
    await client.expect(/^421 4\.7\.0 /);
    assert.equal(await client.closed(), '');
  });

  test('databytes: shown in EHLO, 552 for SIZE above it and for what is bigger in fact', async () => {
    const server = await start({ databytes: '1000' });
    const client = await connect(server.port);
    assert.match(await client.greet(), /\n250-SIZE 1000\n/);
    await client.command('MAIL FROM:<a@a.example> SIZE=1001', /^552 5\.3\.4 /);
    await client.command('MAIL FROM:<a@a.example> SIZE=abc', /^501 /);
    await client.command('RCPT TO:<user@b.example>', 503);
    await client.command('MAIL FROM:<a@a.example> SIZE=1000', 250);
    await client.command('RCPT TO:<user@b.example>', 250);
    await client.command('DATA', 354);
    client.send(`Subject: big\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(100_000, '0123456789\r\n'));
    client.send('\r\n.\r\n');
    await client.expect(/^552 5\.3\.4 /);
    client.send(transaction('small enough'));
    for (const code of [250, 250, 354, 250]) await client.expect(code);
    assert.equal(recordedMessages(server.dir).length, 1);
  });

  test('databytes counts every octet of the message, line ends too, stuffed dots not', async () => {
    const server = await start({ databytes: '100' });
    const client = await greeted(server);
    const exact = `Subject: x\r\n\r\n${'y'.repeat(81)}\r\n.\r\n`;
    assert.equal(exact.length, 100);
    for (const [message, code] of [
      [`${exact.slice(0, -3)}..\r\n`, 250],
      [`${exact.slice(0, -3)}..z\r\n`, 552],
    ] as const) {
      await client.openData('a@a.example', 'user@b.example');
      client.send(`${message}.\r\n`);
      await client.expect(code);
    }
  });

  test('max_commands_without_mail: a transaction that is given up is no message', async () => {
    const server = await start({ max_commands_without_mail: '8' });
    const client = await greeted(server);
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<user@b.example>\r\nRSET\r\n'.repeat(9));
    let agreed = 0;
    while (!(await client.expect(/^(?:250|421) /)).startsWith('421 4.7.0 ')) agreed++;
    assert.ok(agreed < 27, `${agreed} commands`);
    assert.equal(await client.closed(), '');
  });

  test('max_header_size counts where the whole header comes at once, too', async () => {
    const server = await start({ max_header_size: '1024' });
    const client = await greeted(server);
    for (const [size, code] of [
      [1024, 250],
      [1025, 552],
    ] as const) {
      const header = `Subject: ${'x'.repeat(size - 11)}\r\n`;
      assert.equal(header.length, size);
      await client.openData('a@a.example', 'user@b.example');
      client.send(`${header}\r\nbody\r\n.\r\n`);
      await client.expect(code);
    }
  });

  test('max_header_size: 552 behind the end of the message, and the connection goes on', async () => {
    const server = await start({ max_header_size: '1024' });
    const client = await greeted(server);
    await client.openData('a@a.example', 'user@b.example');
    client.send(`${'X-Filler: some words\r\n'.repeat(5000)}\r\nbody\r\n.\r\n`);
    await client.expect(/^552 5\.3\.4 /);
    client.send(transaction('a small header'));
    for (const code of [250, 250, 354, 250]) await client.expect(code);
    assert.equal(recordedMessages(server.dir).length, 1);
  });

  test('timeout: a silent client hears 421, before a command and in the middle of a message', async () => {
    const server = await start({ timeout: '3' });
    const silent = await greeted(server);
    const talking = await greeted(server);
    await talking.openData('a@a.example', 'user@b.example');
    talking.send('Subject: never to be ended\r\n');
    await Promise.all(
      [silent, talking].map(async (client) => {
        await client.expect(/^421 4\.4\.2 /);
        assert.equal(await client.closed(), '');
      }),
    );
    assert.deepEqual(recordedMessages(server.dir), []);
  });

  test('timeout: an octet at a time wins nobody more time for a command', async () => {
    const server = await start({ timeout: '2' });
    // Before the server begins to wait, which may be long before we hear of it.
    const begun = performance.now();
    const client = await greeted(server);
    const dripping = setInterval(() => client.send('N'), 100);
    try {
      await client.expect(/^421 4\.4\.2 no command came for too long$/);
      assert.equal(await client.closed(), '');
      const took = performance.now() - begun;
      assert.ok(took > 1900 && took < 10_000, `${took} ms`);
    } finally {
      clearInterval(dripping);
    }
  });

  test('max_session_time: 421, also for a client that goes on talking', async () => {
    const server = await start({ max_session_time: '4' });
    const silent = await greeted(server);
    const talking = await greeted(server);
    const hearing = setInterval(() => talking.send('NOOP\r\n'), 100);
    try {
      await silent.expect(/^421 4\.4\.2 you have been here for too long$/);
      while (!(await talking.expect(/^(?:250|421) /)).startsWith('421 4.4.2 '));
      assert.equal(await talking.closed(), '');
    } finally {
      clearInterval(hearing);
    }
  });

  test('max_errors: 421 and the end', async () => {
    const server = await start({ max_errors: '3' });
    const client = await greeted(server);
    for (let at = 0; at < 3; at++) await client.command('NONSENSE', 500);
    await client.command('NONSENSE', 500);
    await client.expect(/^421 4\.7\.0 too many errors$/);
    assert.equal(await client.closed(), '');
  });

  test('SIGUSR1: one line says how the server is, and no debugger is opened', async () => {
    const server = await start();
    const clients = [await greeted(server), await greeted(server)];
    process.kill(server.pid, 'SIGUSR1');
    const [line] = await server.waitForLog(/\d+ status: .*\n/);
    assert.match(line, /status: 2 connections of \d+ from 1 addresses, 2 sockets, 2 deadlines, \d+ MiB\n$/);
    for (const client of clients) await client.command('QUIT', 221);
    assert.doesNotMatch(server.stderr(), /[Dd]ebugger/);
  });

  for (const way of ['goes on', 'has closed its side'] as const) {
    test(`a client that takes no replies and ${way} is cut off in the end`, async () => {
      const server = await startServer({
        config: { plugins: 'talkative', timeout: '1', max_commands_without_mail: '100000000' },
        files: {
          'plugins/talkative.mjs': `
            import { ok } from 'qpsmtpd';
            const text = ('x'.repeat(400) + '\\n').repeat(20);
            export default { name: 'talkative', summary: '', setup: () => ({ help: () => ok(text) }) };
          `,
        },
        args: ['--limit-connections', '1'],
      });
      const client = await greeted(server);
      client.pause();
      // More replies than the kernel takes; where the client closes its side, few enough commands to be read.
      client.send('HELP\r\n'.repeat(way === 'goes on' ? 100_000 : 2000));
      if (way === 'has closed its side') client.halfClose();
      // Its place is free again: a second client is greeted.
      for (const deadline = Date.now() + 30_000; ; await pause(100)) {
        const other = await connect(server.port);
        if (!(await other.expect(/^(?:220|421) /)).startsWith('421')) break;
        assert.ok(Date.now() < deadline, 'the connection is still there');
      }
    });
  }

  test('a client that does not take its replies is not read from', async () => {
    const server = await start({ max_commands_without_mail: '100000000' });
    const client = await greeted(server);
    const before = residentKilobytes(server.pid);
    client.pause();
    client.send('HELP\r\n'.repeat(2_000_000));
    await standstill(() => client.unsent);
    assert.ok(client.unsent > 0, 'the server has read all commands without being rid of its replies');
    const grown = residentKilobytes(server.pid) - before;
    assert.ok(grown < 80_000, `the server has grown by ${grown} kB`);
    const other = await greeted(server);
    await other.command('QUIT', 221);
  });
});

function residentKilobytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kilobytes);
}

/** Resolves when a value has not changed for half a second: nothing announces that nothing happens. */
async function standstill(value: () => number): Promise<void> {
  for (let last = Number.NaN, quiet = 0; quiet < 10; ) {
    await pause(50);
    quiet = value() === last ? quiet + 1 : 0;
    last = value();
  }
}
