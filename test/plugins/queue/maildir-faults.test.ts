// What queue/maildir does when the file system fails, and in which order it does things when it does not.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { nodeFiles } from '../../../plugins/queue/_maildir-files.ts';
import { type Call, type Faults, type FaultyFiles, faultyFiles } from '../../support/faulty-files.ts';
import { delivered, filesBelow, type Mail, makeFolder, makeQueue } from '../../support/maildir-queue.ts';

const CODES = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE'];
const BIG = 'x'.repeat(100_000);
const THREE = ['<a@example.org>', '<b@example.org>', '<c@example.org>'];

interface Scenario {
  readonly mail: Mail;
  readonly subdir?: string;
  readonly mode?: number;
  /** the Maildir is there before the first message */
  readonly started?: boolean;
  readonly writesAtMost?: number;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'a small message': { mail: {}, started: true },
  'a small message into a new Maildir for a group': { mail: {}, mode: 0o770 },
  'a big message in memory, in short writes': { mail: { body: BIG }, started: true, writesAtMost: 30_000 },
  'a spooled message': { mail: { body: BIG, spooled: true }, started: true },
  'a message to three new Maildirs': { mail: { recipients: THREE }, subdir: '%d/%l' },
};

async function open({ subdir, mode, started = false, writesAtMost }: Scenario, faults: Faults) {
  const dir = makeFolder();
  let armed = false;
  const faulty = faultyFiles({
    ...faults,
    fail: (_number, call) => (armed ? (faults.fail?.(counted(), call) ?? null) : null),
    ...(writesAtMost !== undefined && { writesAtMost }),
  });
  let count = 0;
  const counted = () => ++count;
  const queue = makeQueue({ dir, files: faulty.files, ...(subdir && { subdir }), ...(mode && { mode }) });
  if (started) await queue.start();
  armed = true;
  const before = faulty.calls.length;
  const disarm = () => {
    armed = false;
  };
  const { openCount } = faulty;
  return { dir, queue, disarm, openCount, calls: () => faulty.calls.slice(before) };
}

async function callsOf(scenario: Scenario): Promise<readonly Call[]> {
  const { queue, calls } = await open(scenario, {});
  assert.equal((await queue.deliver(scenario.mail)).code, 'OK');
  return calls();
}

describe('a call that fails', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    for (const code of CODES) {
      it(`in ${name}, ${code}: refused for now, nothing is left, and the next try goes through`, async () => {
        const calls = await callsOf(scenario);
        assert.ok(calls.length >= 9);
        for (const [at, { name: failing }] of calls.entries()) await failAt(at + 1, failing, code, scenario);
      });
    }
  }
});

async function failAt(number: number, failing: string, code: string, scenario: Scenario): Promise<void> {
  const where = `call ${number}, ${failing}`;
  const faults: Faults = { fail: (at) => (at === number ? code : null) };
  const { dir, queue, disarm, openCount } = await open(scenario, faults);
  const copies = scenario.subdir === undefined ? 1 : THREE.length;
  const verdict = await queue.deliver(scenario.mail);
  disarm();
  assert.equal(openCount(), 0, where);
  // Only files in tmp that are linked already are removed here: the message is delivered.
  if (failing === 'remove') {
    assert.equal(verdict.code, 'OK', where);
    return;
  }
  const status = code === 'ENOSPC' || code === 'EDQUOT' ? '4.3.1' : '4.3.0';
  assert.deepEqual([verdict.code, verdict.status], ['DENYSOFT', status], where);
  assert.deepEqual(filesBelow(dir), [], where);
  assert.equal(queue.log.length, 1, where);
  const [line = ''] = queue.log;
  assert.ok(line.startsWith(`error error, cannot write ${dir}/`), `${where}: ${line}`);
  assert.ok(line.endsWith(`: ${code}: made up, ${failing}`), `${where}: ${line}`);
  assert.equal((await queue.deliver(scenario.mail)).code, 'OK', where);
  assert.equal(filesBelow(dir).length, copies, where);
}

describe('a failure', () => {
  it('ends the work for the other recipients', async () => {
    let syncs = 0;
    const fail: Faults['fail'] = (_number, { name }) => (name === 'sync' && ++syncs === 1 ? 'EIO' : null);
    const { queue, calls } = await open({ mail: {}, subdir: '%l' }, { fail });
    const recipients = Array.from({ length: 30 }, (_, at) => `<user${at}@example.org>`);
    assert.equal((await queue.deliver({ recipients })).code, 'DENYSOFT');
    const begun = calls().filter(({ name }) => name === 'writeNow').length;
    assert.ok(begun < 10, `${begun} of 30 copies were begun`);
  });
});

describe('short writes', () => {
  for (const body of ['small\r\n'.repeat(20), BIG]) {
    it(`are gone on with until all ${body.length} octets are written`, async () => {
      const { dir, queue, calls } = await open({ mail: {}, writesAtMost: Math.ceil(body.length / 7) }, {});
      assert.equal((await queue.deliver({ body })).code, 'OK');
      assert.ok(calls().filter(({ name }) => name === 'write' || name === 'writeNow').length >= 7);
      assert.ok(delivered(dir)[0]?.endsWith(`\n\n${body.replaceAll('\r\n', '\n')}`));
    });
  }

  it('that write nothing at all are a failure', async () => {
    const { dir, queue } = await open({ mail: {}, writesAtMost: 0 }, {});
    assert.equal((await queue.deliver()).code, 'DENYSOFT');
    assert.deepEqual(filesBelow(dir), []);
  });
});

describe('a folder that cannot be synced', () => {
  it('is no failure where the file system knows no such thing (EINVAL)', async () => {
    const fail: Faults['fail'] = (_number, { name, path }) =>
      name === 'sync' && path !== null ? 'EINVAL' : null;
    const { queue } = await open({ mail: {} }, { fail });
    assert.equal((await queue.deliver()).code, 'OK');
  });

  it('takes back all messages that waited for it', async () => {
    const fail: Faults['fail'] = (_number, { name, path }) =>
      name === 'sync' && path !== null ? 'EIO' : null;
    const { dir, queue, disarm } = await open({ mail: {}, started: true }, { fail });
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => queue.deliver()));
    assert.deepEqual(new Set(verdicts.map(({ code }) => code)), new Set(['DENYSOFT']));
    assert.deepEqual(filesBelow(dir), []);
    disarm();
    assert.equal((await queue.deliver()).code, 'OK');
  });
});

describe('the order of things', () => {
  const shown = ({ name, path }: Call, dir: string) =>
    path === null ? name : `${name} ${path.slice(dir.length + 1).replace(/\d{10}\.\S+/, 'FILE')}`;

  it('is write, sync, link, sync of the folder', async () => {
    const { dir, queue, calls } = await open({ mail: {}, started: true }, {});
    await queue.deliver();
    assert.deepEqual(
      calls().map((call) => shown(call, dir)),
      [
        'create tmp/FILE',
        'writeNow',
        'sync',
        'close',
        'link new/FILE',
        'remove tmp/FILE',
        'openFolder new',
        'sync new',
        'close',
      ],
    );
  });

  it('with several copies: all are synced before the first is linked', async () => {
    const { calls } = await delivery({ mail: { recipients: THREE }, subdir: '%l' });
    const names = calls.map(({ name, path }) => (name === 'sync' && path === null ? 'sync file' : name));
    const count = (name: string, list: readonly string[]) => list.filter((one) => one === name).length;
    assert.equal(count('sync file', names.slice(0, names.indexOf('link'))), 3);
    assert.equal(count('link', names), 3);
  });

  it('has new folders synced into those above them', async () => {
    const { calls, dir } = await delivery({ mail: { recipients: ['<a@example.org>'] }, subdir: '%d/%l' });
    const synced = calls.filter(({ name, path }) => name === 'sync' && path !== null);
    const paths = synced.map(({ path }) => relative(dir, path ?? '')).sort();
    // Those above DIR may have been made by a process that was killed before it could sync them.
    const above = paths.filter((path) => /^[./]+$/.test(path));
    assert.equal(above.length, dir.split('/').length - 1);
    assert.deepEqual(
      paths.filter((path) => !above.includes(path)),
      ['', 'example.org', 'example.org/a', 'example.org/a/new'],
    );
  });

  it('has each folder synced once, whoever has made it, and the entry of each new one', async () => {
    const { dir, queue, calls } = await open({ mail: {}, subdir: '%d/%l' }, {});
    const syncedFor = async (recipient: string) => {
      const before = calls().length;
      assert.equal((await queue.deliver({ recipients: [recipient] })).code, 'OK');
      const synced = calls()
        .slice(before)
        .flatMap(({ name, path }) => (name === 'sync' && path !== null ? [relative(dir, path)] : []));
      return synced.filter((path) => !path.startsWith('..')).sort();
    };
    mkdirSync(join(dir, 'example.org/a/new'), { recursive: true });
    mkdirSync(join(dir, 'example.org/a/tmp'));
    assert.deepEqual(await syncedFor('<a@example.org>'), [
      '',
      'example.org',
      'example.org/a',
      'example.org/a/new',
    ]);
    assert.deepEqual(await syncedFor('<a@example.org>'), ['example.org/a/new']);
    assert.deepEqual(await syncedFor('<b@example.org>'), [
      'example.org',
      'example.org/b',
      'example.org/b/new',
    ]);
  });

  it('passes over a folder above that nobody may read, unless it has made something in there', async () => {
    for (const [isThere, code] of [
      [true, 'OK'],
      [false, 'DENYSOFT'],
    ] as const) {
      const base = makeFolder();
      const dir = join(base, 'mail');
      if (isThere) mkdirSync(dir);
      const { files } = faultyFiles({
        fail: (_number, { name, path }) => (name === 'openFolder' && path === base ? 'EACCES' : null),
      });
      assert.equal((await makeQueue({ dir, files }).deliver()).code, code);
    }
  });

  it('makes the folder new once more where it is gone', async () => {
    const { dir, queue } = await open({ mail: {}, started: true }, {});
    rmdirSync(join(dir, 'new'));
    assert.equal((await queue.deliver()).code, 'OK');
    assert.equal(delivered(dir).length, 1);
  });

  async function delivery(scenario: Scenario) {
    const { dir, queue, calls } = await open(scenario, {});
    assert.equal((await queue.deliver(scenario.mail)).code, 'OK');
    return { dir, calls: calls() };
  }
});

describe('messages that finish together', () => {
  const syncsOfNew = ({ calls }: FaultyFiles) =>
    calls.filter(({ name, path }) => name === 'sync' && path?.endsWith('/new')).length;

  it('share the sync of the folder, and none is answered before it', async () => {
    const dir = makeFolder();
    const gates: (() => void)[] = [];
    const faulty = faultyFiles({
      whenSynced: (path) =>
        path === null ? Promise.resolve() : new Promise((open) => void gates.push(open)),
    });
    const queue = makeQueue({ dir, files: faulty.files });
    let answered = 0;
    const all = Array.from({ length: 50 }, async () => {
      await queue.deliver();
      answered++;
    });
    while (filesBelow(dir).filter((path) => path.startsWith('new/')).length < 50) await turn();
    await turn();
    assert.equal(answered, 0);
    // One that was under way when most of the links were made, and one for them; the new folders have their own.
    while (answered < 50) {
      for (const open of gates.splice(0)) open();
      await turn();
    }
    await Promise.all(all);
    assert.ok(syncsOfNew(faulty) <= 2, `${syncsOfNew(faulty)} syncs of new`);
  });

  it('cost few syncs on the disk of this machine', async () => {
    const dir = makeFolder();
    let syncs = 0;
    const openFolder = (path: string) => {
      if (path.endsWith('/new')) syncs++;
      return nodeFiles.openFolder(path);
    };
    const queue = makeQueue({ dir, files: { ...nodeFiles, openFolder } });
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => queue.deliver()));
    assert.ok(verdicts.every(({ code }) => code === 'OK'));
    assert.equal(delivered(dir).length, 50);
    assert.ok(syncs <= 25, `${syncs} syncs`);
  });

  const turn = () => new Promise((resolve) => setImmediate(resolve));
});

describe('a delivery that nobody waits for any more', () => {
  it('is given up, and leaves nothing', async () => {
    for (const mail of [{}, { body: BIG, spooled: true }]) {
      const { dir, queue, calls } = await open({ mail, started: true }, {});
      const verdict = await queue.deliver({ ...mail, signal: AbortSignal.abort() });
      assert.ok(!calls().some(({ name }) => name.startsWith('write')));
      assert.deepEqual([verdict.code, verdict.status], ['DENYSOFT', '4.3.0']);
      assert.deepEqual(filesBelow(dir), []);
      assert.match(queue.log.join(), /^notice fail, given up: /);
    }
  });

  it('is given up although all is written, as long as nothing is linked', async () => {
    const controller = new AbortController();
    const whenSynced = async () => controller.abort();
    const { dir, queue, calls } = await open({ mail: {}, started: false }, { whenSynced });
    const verdict = await queue.deliver({ signal: controller.signal });
    assert.equal(verdict.code, 'DENYSOFT');
    assert.ok(!calls().some(({ name }) => name === 'link'));
    assert.deepEqual(filesBelow(dir), []);
    assert.deepEqual(readdirSync(dir).sort(), ['cur', 'new', 'tmp']);
  });

  it('is taken back although it is linked: the client has not heard of it', async () => {
    const controller = new AbortController();
    const whenSynced = async (path: string | null) => {
      if (path?.endsWith('/new')) controller.abort();
    };
    for (const scenario of [{ mail: {} }, { mail: { recipients: THREE }, subdir: '%l' }]) {
      const { dir, queue } = await open(scenario, { whenSynced });
      const verdict = await queue.deliver({ ...scenario.mail, signal: controller.signal });
      assert.deepEqual([verdict.code, verdict.status], ['DENYSOFT', '4.3.0']);
      assert.deepEqual(filesBelow(dir), []);
      assert.match(queue.log.join(), /^notice fail, given up: /);
    }
  });
});
