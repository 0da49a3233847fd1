import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { Address } from 'qpsmtpd';
import plugin from '../../../plugins/queue/pipe.ts';
import { cleanUp } from '../../support/cleanup.ts';
import { BODY, HEADER, oddAddresses, setUpQueue, shown } from '../../support/queue-plugin.ts';

const MESSAGE = `${HEADER}\r\n${BODY}`.replaceAll('\r\n', '\n');
const TO_TWO = { recipients: ['<user@example.org>', '<other@example.com>'] };

interface Run {
  readonly args: readonly string[];
  /** one octet a character */
  readonly input: string;
}

/** A command that files its arguments and its input, then does as the JavaScript in `then` says. */
function makeCommand(then = ''): { readonly path: string; readonly folder: string; runs(): Run[] } {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-pipe-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'command.cjs');
  writeFileSync(
    path,
    `#!${process.execPath}
const fs = require('node:fs');
const folder = ${JSON.stringify(folder)};
const args = process.argv.slice(2);
const input = fs.readFileSync(0, 'latin1');
fs.writeFileSync(folder + '/run.' + process.pid, JSON.stringify({ args, input }));
${then}
`,
  );
  chmodSync(path, 0o755);
  const runs = () =>
    readdirSync(folder)
      .filter((name) => name.startsWith('run.'))
      .map((name): Run => JSON.parse(readFileSync(join(folder, name), 'utf8')))
      .sort((one, other) => one.args.join().localeCompare(other.args.join()));
  return { path, folder, runs };
}

describe('a command', () => {
  for (const spooled of [false, true]) {
    it(`gets the message with LF from ${spooled ? 'the spool' : 'memory'}, once for all`, async () => {
      const command = makeCommand();
      const queue = setUpQueue(plugin, `${command.path} -f \${sender} -- \${recipients}`);
      const { verdict } = await queue.deliver({ ...TO_TWO, spooled });
      assert.equal(shown(verdict), 'OK taken');
      const args = ['-f', 'sender@example.net', '--', 'user@example.org', 'other@example.com'];
      assert.deepEqual(command.runs(), [{ args, input: MESSAGE }]);
      assert.deepEqual(queue.log, [`info pass, taken by ${command.path}`]);
    });
  }

  it('for one recipient is run for each', async () => {
    const command = makeCommand();
    const queue = setUpQueue(plugin, `flags R ${command.path} -d \${recipient} --user=\${user}`);
    assert.equal((await queue.deliver(TO_TWO)).verdict.code, 'OK');
    const input = `Return-Path: <sender@example.net>\n${MESSAGE}`;
    assert.deepEqual(command.runs(), [
      { args: ['-d', 'other@example.com', '--user=other'], input },
      { args: ['-d', 'user@example.org', '--user=user'], input },
    ]);
  });

  it('has facts of the message in its words', async () => {
    const command = makeCommand();
    const words = `'two words' a\${domain}z \${size} \${client_address} \${client_hostname} \${client_helo} x\${sasl_username} $HOME *`;
    const authentication = { mechanism: 'plain', user: 'me', passed: true };
    await setUpQueue(plugin, `${command.path} ${words}`).deliver({ connection: { authentication } });
    const size = String(HEADER.length + 2 + BODY.length);
    assert.deepEqual(command.runs()[0]?.args, [
      'two words',
      'aexample.orgz',
      size,
      '192.0.2.1',
      'client.example',
      'helo.example',
      'xme',
      '$HOME',
      '*',
    ]);
  });

  it('gets the lines on top that the flags say, and CRLF where that is wanted', async () => {
    const command = makeCommand();
    const queue = setUpQueue(plugin, `flags DFR line_ends crlf ${command.path} -- \${recipient}`);
    await queue.deliver({ sender: '<>' });
    await queue.deliver({ sender: '<"a b"@example.net>' });
    const top = (from: string, path: string) =>
      `From ${from} Tue Nov 14 22:13:20 2023\r\nReturn-Path: ${path}\r\nDelivered-To: user@example.org\r\n`;
    assert.deepEqual(
      command
        .runs()
        .map(({ input }) => input)
        .sort(),
      [
        `${top('"a-b"@example.net', '<"a b"@example.net>')}${HEADER}\r\n${BODY}`,
        `${top('MAILER-DAEMON', '<>')}${HEADER}\r\n${BODY}`,
      ],
    );
  });

  it('gets a word for the sender of a bounce: none, or the one that is wanted', async () => {
    for (const [words, word] of [
      ['', ''],
      ['null_sender MAILER-DAEMON', 'MAILER-DAEMON'],
    ] as const) {
      const command = makeCommand();
      await setUpQueue(plugin, `${words} ${command.path} \${sender}`).deliver({ sender: '<>' });
      assert.deepEqual(command.runs()[0]?.args, [word]);
    }
  });

  it('gets every octet of the body', async () => {
    const command = makeCommand();
    const all = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    const body = Buffer.concat([all, Buffer.from('\r\n.\r\n\0\r\n'), all]);
    await setUpQueue(plugin, command.path).deliver({ body });
    assert.equal(
      command.runs()[0]?.input,
      `${HEADER}\r\n${body.toString('latin1')}`.replaceAll('\r\n', '\n'),
    );
  });

  it('gets a recipient who had the message already no second time', async () => {
    const command = makeCommand();
    const queue = setUpQueue(plugin, `flags D ${command.path} \${recipient}`);
    const { answers } = await queue.deliver({ ...TO_TWO, header: 'Delivered-To: User@example.org\r\n' });
    assert.deepEqual(
      answers.map((each) => each && shown(each)),
      ['DENY 5.4.6 mail loop found', 'OK taken'],
    );
    assert.equal(command.runs().length, 1);
  });
});

describe('what a stranger has written', () => {
  it('stays one argument with all that is in it', async () => {
    const command = makeCommand();
    const recipients = oddAddresses;
    await setUpQueue(plugin, `${command.path} -- \${recipients} --to=\${sender}`).deliver({
      recipients,
      sender: '<"-x; $(y)"@a.example>',
    });
    const expected = ['--', ...oddAddresses.map((path) => path.slice(1, -1)), '--to="-x; $(y)"@a.example'];
    assert.deepEqual(command.runs()[0]?.args, expected);
  });

  const cases: [words: string, mail: object, verdict: string][] = [
    [`\${recipients}`, { recipients: ['<-oQ@example.org>'] }, 'DENY 5.1.3'],
    [`\${recipient}`, { recipients: ['<-oQ@example.org>'] }, 'DENY 5.1.3'],
    [`\${user}@x`, { recipients: ['<"-a b"@example.org>'] }, 'DENY 5.1.3'],
    [`-f \${sender}`, { sender: '<-oQ@example.org>' }, 'DENY 5.1.7'],
    [`\${sender} -- \${recipients}`, { sender: '<-oQ@example.org>' }, 'DENY 5.1.7'],
    [`\${client_helo}`, { connection: { hello: { verb: 'helo', host: '-h' } } }, 'DENY 5.1.7'],
  ];
  for (const [words, mail, expected] of cases) {
    it(`does not become an option: ${words} with ${JSON.stringify(mail)}`, async () => {
      const command = makeCommand();
      const { verdict } = await setUpQueue(plugin, `${command.path} ${words}`).deliver(mail);
      assert.equal(shown(verdict), `${expected} this address cannot be handed on`);
      assert.deepEqual(command.runs(), []);
    });
  }

  it('cannot hold control characters', async () => {
    const command = makeCommand();
    const queue = setUpQueue(plugin, `${command.path} -- \${recipients}`);
    const recipients = [new Address('a\0b', 'example.org')];
    assert.equal((await queue.deliver({ recipients })).verdict.code, 'DENY');
    assert.deepEqual(command.runs(), []);
  });
});

describe('exit codes', () => {
  const cases: [then: string, verdict: string][] = [
    ['process.exit(64)', 'DENY 5.3.0 the program was called wrongly'],
    ['process.exit(65)', 'DENY 5.6.0 the format of the message is wrong'],
    ['process.exit(67)', 'DENY 5.1.1 no such mailbox here'],
    ['process.exit(69)', 'DENY 5.3.0 the service is not available'],
    ['process.exit(71)', 'DENYSOFT 4.3.0 trouble in the system'],
    ['process.exit(75)', 'DENYSOFT 4.3.0 temporary failure'],
    ['process.exit(77)', 'DENY 5.7.0 permission denied'],
    ['process.exit(100)', 'DENY 5.3.0 refused for good'],
    ['process.exit(111)', 'DENYSOFT 4.3.0 refused for now'],
    ["fs.writeSync(1, '\\n who is that?\\nmore'); process.exit(67)", 'DENY 5.1.1 who is that?'],
    ["fs.writeSync(1, '5.2.1 closed\\x07'); process.exit(69)", 'DENY 5.2.1 closed?'],
    ["fs.writeSync(1, '4.2.2 full'); process.exit(75)", 'DENYSOFT 4.2.2 full'],
    ["fs.writeSync(1, '5.2.2 full'); process.exit(75)", 'DENYSOFT 4.3.0 full'],
    ["fs.writeSync(2, 'secret'); process.exit(75)", 'DENYSOFT 4.3.0 temporary failure'],
    ["fs.writeSync(1, 'secret'); process.exit(1)", FAILED()],
    ['process.exit(127)', FAILED()],
    ["process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)", FAILED()],
  ];
  for (const [then, expected] of cases) {
    it(`${then}: ${expected}`, async () => {
      const queue = setUpQueue(plugin, makeCommand(then).path);
      assert.equal(shown((await queue.deliver()).verdict), expected);
      assert.equal(queue.log.length, 1);
    });
  }

  it('of each recipient are answers of their own; the server is told them all', async () => {
    const then = "process.exit({ 'bad@b.example': 67, 'later@b.example': 75 }[args[0]] ?? 0)";
    const queue = setUpQueue(plugin, `${makeCommand(then).path} \${recipient}`);
    const recipients = ['<good@b.example>', '<later@b.example>', '<bad@b.example>'];
    const each = await queue.deliver({ recipients, answersEach: true });
    const answers = ['OK taken', 'DENYSOFT 4.3.0 temporary failure', 'DENY 5.1.1 no such mailbox here'];
    assert.deepEqual(
      each.answers.map((one) => one && shown(one)),
      answers,
    );
    assert.equal(each.verdict.code, 'OK');
    const all = await queue.deliver({ recipients });
    assert.deepEqual(
      all.answers.map((one) => one && shown(one)),
      answers,
    );
    assert.equal(shown(all.verdict), answers[2]);
    const two = await queue.deliver({ recipients: recipients.slice(0, 2) });
    assert.equal(shown(two.verdict), answers[1]);
  });
});

function FAILED(): string {
  return 'DENYSOFT 4.3.0 the message cannot be handed on now, try again later';
}

describe('a command that takes too long', () => {
  it('is ended with all it has started', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-pipe-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'command');
    writeFileSync(path, `#!/bin/sh\nsleep 600 &\necho $! > ${folder}/child\nwait\n`, { mode: 0o755 });
    const queue = setUpQueue(plugin, `run_timeout 1 ${path}`);
    assert.equal(shown((await queue.deliver()).verdict), FAILED());
    assert.match(queue.log[0] ?? '', / took too long and was ended$/);
    const pid = readFileSync(join(folder, 'child'), 'latin1').trim();
    const state = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : ') Z';
    assert.match(state, /\) [ZX]/);
  });

  it('may end well at SIGTERM: then the message is taken', async () => {
    const command = makeCommand("process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)");
    const queue = setUpQueue(plugin, `run_timeout 1 ${command.path}`);
    assert.equal((await queue.deliver()).verdict.code, 'OK');
  });

  it('and does not hear SIGTERM gets SIGKILL', async () => {
    const command = makeCommand("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
    const queue = setUpQueue(plugin, `run_timeout 1 ${command.path}`);
    assert.equal(shown((await queue.deliver()).verdict), FAILED());
  });

  it('is ended when the client goes, and those who wait for their turn are not served', async () => {
    const command = makeCommand('setInterval(() => {}, 1000)');
    const queue = setUpQueue(plugin, `concurrency 1 ${command.path} \${recipient}`);
    const client = new AbortController();
    const delivery = queue.deliver({ ...TO_TWO, signal: client.signal });
    while (command.runs().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    client.abort();
    assert.equal((await delivery).verdict.code, 'DENYSOFT');
    assert.equal(command.runs().length, 1);
  });

  it('is not waited for, when only something that it has left behind holds its output open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-pipe-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'command');
    writeFileSync(path, `#!/bin/sh\nsleep 600 &\necho $! > ${folder}/child\nexit 0\n`, { mode: 0o755 });
    const { verdict } = await setUpQueue(plugin, path).deliver();
    process.kill(Number(readFileSync(join(folder, 'child'), 'latin1')), 'SIGKILL');
    assert.equal(verdict.code, 'OK');
  });
});

describe('mistakes of a line', () => {
  const cases: [words: string, complaint: RegExp][] = [
    ['', /command/],
    ['mail', /"mail" is not an absolute path/],
    ['/nowhere/command', /\/nowhere\/command is no program that can be run/],
    [`/bin/true \${recipent}`, /\$\{recipent\} is none of sender, recipient/],
    [`/bin/true x\${recipients}`, /must be a word of its own/],
    [`/bin/true \${recipients} \${user}`, /one recipient or for all/],
    [`/bin/true \${sender`, /has a \$\{ without an end/],
    ["/bin/true 'a", /has no end/],
    ['flags D /bin/true', /flag D is for a command with/],
    ['flags X /bin/true', /something else than D, F and R/],
  ];
  for (const [words, complaint] of cases) {
    test(words, () => assert.throws(() => setUpQueue(plugin, words), { message: complaint }));
  }
});
