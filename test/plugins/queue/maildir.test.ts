import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileNames, hostInName, recipientFolder } from '../../../plugins/queue/_maildir-names.ts';
import plugin from '../../../plugins/queue/maildir.ts';
import {
  delivered,
  filesBelow,
  fixedClock,
  makeFolder,
  makeQueue,
  parse,
} from '../../support/maildir-queue.ts';

const HEAD = 'Subject: test\nX-Fold: a\n b\n\n';
const FIRST_NAME = '1700000000.P77M123250Q0.mx.example';

describe('options', () => {
  const subdir = plugin.options?.subdir;
  assert.ok(subdir);

  it('take a SUBDIR with a substitution', () => {
    assert.equal(subdir.parse('%d/%l'), '%d/%l');
  });

  it('refuse a SUBDIR without one, and one that leads out', () => {
    assert.throws(() => subdir.parse('users'), { message: '"users" has none of %l, %d and %u in it' });
    assert.throws(() => subdir.parse('../%u'), { message: '"../%u" leads out of the folder' });
  });
});

describe('names', () => {
  it('of files hold time, pid, microseconds, a count and the host', () => {
    const next = fileNames({ clock: fixedClock, pid: 77, hostname: 'mx.example' });
    assert.deepEqual([next(), next()], [FIRST_NAME, '1700000000.P77M123250Q1.mx.example']);
  });

  it('of hosts cannot hold a slash or a colon', () => {
    assert.equal(hostInName('a/b:c'), 'a\\057b\\072c');
  });

  const cases: [path: string, template: string, folder: string][] = [
    ['<user@example.org>', '%d/%l', 'example.org/user'],
    ['<user+tag@example.org>', '%u', 'user+tag@example.org'],
    ['<User@Example.ORG>', '%d/%l/%l', 'Example.ORG/User/User'],
    ["<it's#1@example.org>", '%l', 'it_s_1'],
    ['<"a b/c"@example.org>', '%l', 'a_b_c'],
    ['<".."@example.org>', '%d/%l', 'example.org/__'],
    ['<"."@example.org>', '%l', '_'],
    ['<".hidden"@example.org>', '%u', '_hidden@example.org'],
    ['<".."@example.org>', '.%l', '.__'],
    ['<"a/../../x"@example.org>', '%l', 'a_.._.._x'],
    ['<"../../etc"@example.org>', '%d/%l', 'example.org/___.._etc'],
    ['<"%d%u"@example.org>', '%l', '_d_u'],
    ['<x@[192.0.2.1]>', '%d', '_192.0.2.1_'],
    ['<postmaster>', '%d/%l', 'me.example/postmaster'],
    ['<用户@example.org>', '%u', '用户@example.org'],
    ['<u\u0308!💡@bücher.example>', '%d/%l', 'xn--bcher-kva.example/ü__'],
  ];
  for (const [path, template, folder] of cases) {
    it(`of folders: ${path} with ${template} is ${folder}`, () => {
      assert.equal(recipientFolder(template, parse(path), 'me.example'), folder);
    });
  }
});

describe('one Maildir for all', () => {
  it('gets the message with LF line ends, sender and all recipients', async () => {
    const dir = makeFolder();
    const queue = makeQueue({ dir: join(dir, 'deep', 'Maildir') });
    const verdict = await queue.deliver({ recipients: ['<user@example.org>', '<"a b"@example.org>'] });
    assert.deepEqual(verdict, { code: 'OK', text: [`queued as ${FIRST_NAME}`] });
    assert.deepEqual(filesBelow(dir), [join('deep', 'Maildir', 'new', FIRST_NAME)]);
    const lines =
      'Return-Path: <sender@example.net>\nDelivered-To: user@example.org\nDelivered-To: "a b"@example.org\n';
    assert.deepEqual(delivered(join(dir, 'deep', 'Maildir')), [`${lines}${HEAD}Hello\nthere\n`]);
    assert.deepEqual(readdirSync(join(dir, 'deep', 'Maildir')).sort(), ['cur', 'new', 'tmp']);
    assert.deepEqual(queue.log, [`info pass, queued as ${FIRST_NAME}`]);
  });

  it('gets addresses in UTF-8 (RFC 6531)', async () => {
    const dir = makeFolder();
    await makeQueue({ dir }).deliver({ sender: '<jörg@a.example>', recipients: ['<用户@bücher.example>'] });
    const [text = ''] = delivered(dir);
    const head = 'Return-Path: <jörg@a.example>\nDelivered-To: 用户@bücher.example\n';
    assert.ok(Buffer.from(text, 'latin1').toString().startsWith(head), text);
  });

  for (const spooled of [false, true]) {
    const where = spooled ? 'the spool' : 'memory';
    it(`gets a binary message from ${where} as it is, lines and all (RFC 3030)`, async () => {
      const dir = makeFolder();
      const body = Buffer.from('one\r\ntwo\nthree\rfour\0\xff', 'latin1');
      await makeQueue({ dir }).deliver({ body, spooled, params: new Map([['BODY', 'BinaryMime']]) });
      const head = 'Return-Path: <sender@example.net>\r\nDelivered-To: user@example.org\r\n';
      const header = HEAD.replaceAll('\n', '\r\n');
      assert.deepEqual(delivered(dir), [`${head}${header}${body.toString('latin1')}`]);
    });
  }

  it('gets bounces with an empty Return-Path', async () => {
    const dir = makeFolder();
    await makeQueue({ dir }).deliver({ sender: '<>' });
    assert.match(delivered(dir)[0] ?? '', /^Return-Path: <>\n/);
  });

  for (const spooled of [false, true]) {
    it(`gets a big message whole from ${spooled ? 'the spool' : 'memory'}`, async () => {
      const dir = makeFolder();
      const line = `${'x'.repeat(75)}\r\n`;
      await makeQueue({ dir }).deliver({ body: line.repeat(20_000), spooled });
      const [text = ''] = delivered(dir);
      const body = text.slice(text.indexOf('\n\n') + 2);
      assert.equal(body.length, 76 * 20_000);
      assert.ok(body === line.replace('\r', '').repeat(20_000));
    });
  }

  it('is made when the server starts, and again when somebody has removed it', async () => {
    const dir = join(makeFolder(), 'Maildir');
    const queue = makeQueue({ dir });
    await queue.start();
    assert.deepEqual(readdirSync(dir).sort(), ['cur', 'new', 'tmp']);
    rmSync(dir, { recursive: true });
    assert.equal((await queue.deliver()).code, 'OK');
    assert.deepEqual(readdirSync(dir).sort(), ['cur', 'new', 'tmp']);
  });

  it('loses files in tmp that are older than 36 hours at start, and nothing else', async () => {
    const dir = makeFolder();
    const queue = makeQueue({ dir });
    await queue.start();
    const hoursAgo = (hours: number) => new Date(fixedClock.now().getTime() - hours * 3_600_000);
    const put = (path: string, hours: number) => {
      writeFileSync(join(dir, path), 'x');
      utimesSync(join(dir, path), hoursAgo(hours), hoursAgo(hours));
    };
    put('tmp/old', 37);
    put('tmp/young', 35);
    put('new/old', 37);
    mkdirSync(join(dir, 'tmp/folder'));
    utimesSync(join(dir, 'tmp/folder'), hoursAgo(99), hoursAgo(99));
    await queue.start();
    assert.deepEqual(filesBelow(dir), ['new/old', 'tmp/young']);
    assert.ok(existsSync(join(dir, 'tmp/folder')));
    assert.deepEqual(queue.log, []);
  });

  it('that cannot be made is told of at start, and refused for now', async () => {
    const dir = join(makeFolder(), 'file');
    writeFileSync(dir, '');
    const queue = makeQueue({ dir });
    await queue.start();
    assert.match(queue.log[0] ?? '', /^error error, cannot prepare .*\/file: ENOTDIR: /);
    const verdict = await queue.deliver();
    assert.deepEqual([verdict.code, verdict.status], ['DENYSOFT', '4.3.0']);
    assert.match(queue.log[1] ?? '', /^error error, cannot write .*\/file\/tmp\/\S+: ENOTDIR: /);
  });

  it('never loses a message to another one of the same name', async () => {
    const dir = makeFolder();
    // The clock stands still: both begin with the same name.
    await makeQueue({ dir }).deliver({ body: 'first\r\n' });
    const second = makeQueue({ dir });
    const [refused, taken] = [
      await second.deliver({ body: 'second\r\n' }),
      await second.deliver({ body: 'second\r\n' }),
    ];
    assert.deepEqual([refused.code, taken.code], ['DENYSOFT', 'OK']);
    assert.match(readFileSync(join(dir, 'new', FIRST_NAME), 'latin1'), /\n\nfirst\n$/);
    assert.equal(filesBelow(dir).length, 2);
  });

  it('keeps the file in tmp that another process is writing', async () => {
    const dir = makeFolder();
    const queue = makeQueue({ dir });
    await queue.start();
    writeFileSync(join(dir, 'tmp', FIRST_NAME), 'not mine');
    assert.equal((await queue.deliver()).code, 'DENYSOFT');
    assert.deepEqual(filesBelow(dir), [join('tmp', FIRST_NAME)]);
  });
});

describe('a Maildir for each recipient', () => {
  it('gets one copy for a recipient that was named twice', async () => {
    const dir = makeFolder();
    const recipients = ['<a@example.org>', '<A@example.org>', '<a@EXAMPLE.org>', '<a@example.org>'];
    await makeQueue({ dir, subdir: '%l' }).deliver({ recipients });
    assert.deepEqual(readdirSync(dir).sort(), ['A', 'a']);
    assert.equal(delivered(join(dir, 'a')).length, 1);
    const one = makeFolder();
    await makeQueue({ dir: one }).deliver({ recipients });
    assert.equal(delivered(one)[0]?.match(/^Delivered-To: /gm)?.length, 2);
  });

  it('gets a copy that names nobody else', async () => {
    const dir = makeFolder();
    const queue = makeQueue({ dir, subdir: '%d/%l' });
    const verdict = await queue.deliver({ recipients: ['<a@example.org>', '<b@example.com>'] });
    assert.equal(verdict.code, 'OK');
    for (const [folder, name] of [
      ['example.org/a', 'a@example.org'],
      ['example.com/b', 'b@example.com'],
    ] as const) {
      const [text = ''] = delivered(join(dir, folder));
      assert.deepEqual(text.match(/^Delivered-To: .*$/gm), [`Delivered-To: ${name}`]);
      assert.ok(text.endsWith(`${HEAD}Hello\nthere\n`));
    }
  });

  it('gets one copy for each of its recipients', async () => {
    const dir = makeFolder();
    const recipients = Array.from({ length: 30 }, (_, at) => `<user${at}@example.org>`);
    assert.equal((await makeQueue({ dir, subdir: '%d' }).deliver({ recipients })).code, 'OK');
    const names = delivered(join(dir, 'example.org')).map((text) => /Delivered-To: (.*)/.exec(text)?.[1]);
    assert.deepEqual(names.sort(), recipients.map((path) => path.slice(1, -1)).sort());
  });

  it('gets a spooled message whole, all copies', async () => {
    const dir = makeFolder();
    const body = 'line\r\n'.repeat(100_000);
    const recipients = [
      '<a@example.org>',
      '<b@example.org>',
      '<c@example.org>',
      '<d@example.org>',
      '<e@example.org>',
    ];
    await makeQueue({ dir, subdir: '%l' }).deliver({ body, spooled: true, recipients });
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const [text = ''] = delivered(join(dir, name));
      assert.ok(text.endsWith(`${HEAD}${'line\n'.repeat(100_000)}`), name);
    }
  });

  it('lies below the base folder, whatever the address says', async () => {
    const above = makeFolder();
    const dir = join(above, 'base');
    const queue = makeQueue({ dir, subdir: '%d/%l' });
    const recipients = [
      '<".."@example.org>',
      '<"."@example.org>',
      '<"a/../../x"@example.org>',
      '<"../../../x"@example.org>',
    ];
    for (const recipient of recipients)
      assert.equal((await queue.deliver({ recipients: [recipient] })).code, 'OK');
    assert.deepEqual(readdirSync(above), ['base']);
    assert.deepEqual(readdirSync(dir), ['example.org']);
    assert.deepEqual(readdirSync(join(dir, 'example.org')).sort(), ['_', '__', '___.._.._x', 'a_.._.._x']);
  });
});

describe('permissions', () => {
  const bits = (path: string) => (statSync(path).mode & 0o7777).toString(8);

  it('are those of MODE under a narrow umask', async () => {
    const above = makeFolder();
    const dir = join(above, 'made', 'Maildir');
    const before = process.umask(0o077);
    try {
      await makeQueue({ dir, mode: 0o770 }).deliver();
    } finally {
      process.umask(before);
    }
    const [file = ''] = filesBelow(dir);
    const folders = ['', '..', 'cur', 'new', 'tmp'].map((name) => bits(join(dir, name)));
    assert.deepEqual(folders, ['770', '770', '770', '770', '770']);
    assert.equal(bits(join(dir, file)), '660');
  });

  it('are those of MODE under a wide umask, and folders that are there keep theirs', async () => {
    const dir = makeFolder();
    chmodSync(dir, 0o755);
    const before = process.umask(0);
    try {
      await makeQueue({ dir }).deliver();
    } finally {
      process.umask(before);
    }
    const [file = ''] = filesBelow(dir);
    assert.deepEqual([bits(dir), bits(join(dir, 'new')), bits(join(dir, file))], ['755', '700', '600']);
  });
});

it('has a state of its own for each line', async () => {
  const [one, two] = [makeFolder(), makeFolder()];
  const queues = [makeQueue({ dir: one, mode: 0o700 }), makeQueue({ dir: two, subdir: '%l', mode: 0o750 })];
  for (const queue of queues) assert.equal((await queue.deliver()).code, 'OK');
  assert.deepEqual(filesBelow(one), [join('new', FIRST_NAME)]);
  assert.deepEqual(filesBelow(two), [join('user', 'new', FIRST_NAME)]);
});
