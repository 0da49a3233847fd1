import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Address } from 'qpsmtpd';
import { readComplaint } from '../../../plugins/queue/_bsmtp.ts';
import plugin from '../../../plugins/queue/exim-bsmtp.ts';
import { cleanUp } from '../../support/cleanup.ts';
import { oddAddresses, setUpQueue, shown } from '../../support/queue-plugin.ts';

const HEADER = 'Subject: test\nX-Fold: a\n b\n\n';

/** A program in place of Exim: files arguments and input, then does as the lines of shell say. */
function makeProgram(then = ''): { readonly path: string; args(): string; input(): string } {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-bsmtp-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'rsmtp');
  writeFileSync(path, `#!/bin/sh\necho "$*" > ${folder}/args\ncat > ${folder}/input\n${then}\n`);
  chmodSync(path, 0o755);
  return {
    path,
    args: () => readFileSync(join(folder, 'args'), 'latin1'),
    input: () => readFileSync(join(folder, 'input'), 'latin1'),
  };
}

const queueWith = (path: string) => setUpQueue(plugin, `exim_path ${path}`);

describe('Exim gets', () => {
  for (const spooled of [false, true]) {
    it(`commands and message with LF from ${spooled ? 'the spool' : 'memory'}`, async () => {
      const program = makeProgram();
      const queue = queueWith(program.path);
      const body = '.\r\n..\r\na.b\r\n.text\r\n';
      const { verdict } = await queue.deliver({ spooled, body, sender: '<>' });
      assert.equal(shown(verdict), 'OK queued');
      assert.equal(program.args(), '-bS\n');
      const commands = 'HELO me.example\nMAIL FROM:<>\nRCPT TO:<user@example.org>\nDATA\n';
      assert.equal(program.input(), `${commands}${HEADER}..\n...\na.b\n..text\n.\nQUIT\n`);
      assert.deepEqual(queue.log, [`info pass, queued by ${program.path}`]);
    });
  }

  it('an end of its own for a last line without end', async () => {
    const program = makeProgram();
    await queueWith(program.path).deliver({ body: 'no end' });
    assert.match(program.input(), /\n\nno end\n\.\nQUIT\n$/);
  });

  it('every octet, with nothing but dots added, wherever the message is cut', async () => {
    const program = makeProgram();
    const all = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1');
    const body = `${all}\r\n.${'x'.repeat(100_000)}\r\n.\r\n`.repeat(30);
    await queueWith(program.path).deliver({ body, spooled: true });
    const expected = `${HEADER}${body.replaceAll('\r\n', '\n')}`.replaceAll('\n.', '\n..');
    const input = program.input();
    assert.ok(input.slice(input.indexOf('DATA\n') + 5) === `${expected}.\nQUIT\n`);
  });

  it('addresses with their quotes (quirk 24c), a line for each, and nothing else', async () => {
    const program = makeProgram();
    await queueWith(program.path).deliver({ recipients: [...oddAddresses, '<user@bücher.example>'] });
    const lines = program.input().split('\n');
    const paths = [...oddAddresses, '<user@xn--bcher-kva.example>'];
    assert.deepEqual(
      lines.slice(2, lines.indexOf('DATA')),
      paths.map((path) => `RCPT TO:${path}`),
    );
  });

  it('nothing with an address that would be a line', async () => {
    const program = makeProgram();
    for (const end of ['\n', '\r', '\0']) {
      const recipients = [new Address(`a>${end}RCPT TO:<b`, 'example.org')];
      const { verdict } = await queueWith(program.path).deliver({ recipients });
      assert.equal(shown(verdict), 'DENY 5.1.3 an address cannot be handed on');
    }
    assert.throws(() => program.input(), { code: 'ENOENT' });
  });
});

describe('complaints', () => {
  const cases: [then: string, verdict: string][] = [
    ['echo "501 domain literals not allowed"; exit 2', 'DENY 5.1.3 domain literals not allowed'],
    ['echo "550 5.7.9 no"; echo "Transaction started in line 2"; exit 2', 'DENY 5.7.9 no'],
    ['echo "451 4.3.1 full"; exit 2', 'DENYSOFT 4.3.1 full'],
    ['echo "421 later"; exit 1', 'DENYSOFT 4.3.0 later'],
    ['echo "552 5.2.2 too big"; exit 0', 'DENY 5.2.2 too big'],
    ['echo "550 4.7.1 later"; exit 2', 'DENYSOFT 4.7.1 later'],
    ['echo "451 5.7.1 later"; exit 2', 'DENYSOFT 4.3.0 later'],
    ['echo "in line 500 of the file"; exit 2', FAILED()],
    ['echo "no such user: /secret" >&2; exit 1', FAILED()],
    ['kill -9 $$', FAILED()],
  ];
  for (const [then, expected] of cases) {
    it(`${then}: ${expected}`, async () => {
      const queue = queueWith(makeProgram(then).path);
      assert.equal(shown((await queue.deliver()).verdict), expected);
      assert.match(queue.log[0] ?? '', /^(?:notice fail|error error), /);
    });
  }

  it('are read from the first line that is a reply', () => {
    assert.equal(readComplaint('warning: 451 is a number\n550 no\n451 later\n')?.text, 'no');
    assert.equal(readComplaint(''), null);
    assert.equal(readComplaint('250 OK\n'), null);
  });
});

describe('an Exim that', () => {
  const big = { body: 'x'.repeat(78).concat('\r\n').repeat(50_000) };
  const script = (lines: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-bsmtp-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'rsmtp'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    return join(folder, 'rsmtp');
  };

  it('dies in the middle of the message, or ends well there, has not taken it', async () => {
    for (const end of ['kill -9 $$', 'exit 0']) {
      const queue = queueWith(script(`head -c 1000 > /dev/null; ${end}`));
      assert.equal(shown((await queue.deliver(big)).verdict), FAILED());
    }
  });

  it('hangs is ended with its time', async () => {
    const queue = setUpQueue(plugin, `exim_path ${script('exec sleep 600')} run_timeout 1`);
    assert.equal(shown((await queue.deliver(big)).verdict), FAILED());
    assert.match(queue.log[0] ?? '', / took too long and was ended$/);
  });

  it('is not there is a mistake at the start', () => {
    assert.throws(() => queueWith('/nowhere/exim'), {
      message: '/nowhere/exim is no program that can be run',
    });
  });
});

function FAILED(): string {
  return 'DENYSOFT 4.3.0 the message could not be queued, try again later';
}
