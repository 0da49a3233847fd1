import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { LogEntry } from '../../src/contract/hooks.ts';
import { declined, deny } from '../../src/contract/verdict.ts';
import { doing, makeClient, plugin, Site } from './support.ts';

const idle = plugin({ setup: () => ({}) });

describe('an engine', () => {
  it('has the plugins of config/logging before those of config/plugins', async (t) => {
    const site = new Site(t, { logging: 'b\n', plugins: 'a\nb:1\n' });
    const noop = plugin({ setup: () => ({ noop: () => declined }) });
    const { engine, findings } = await site.build({ a: noop, b: noop });
    assert.deepEqual(findings, []);
    assert.deepEqual(
      engine.chains.noop.map(({ plugin: name }) => name),
      ['b', 'a', 'b:1'],
    );
    assert.deepEqual(
      engine.lines.map(({ line }) => line.name),
      ['b', 'a', 'b:1'],
    );
  });

  it('is told all bad lines at once, each with its place, and goes on with the others', async (t) => {
    const site = new Site(t, { plugins: 'nobody\nidle\nidle limit 5\nidle:1 limit 5\nbroken\nMail::Perl\n' });
    const broken = plugin({
      setup: () => {
        throw new Error('no database');
      },
    });
    const { engine, findings } = await site.build({ idle, broken });
    assert.deepEqual(findings.map(({ code, where }) => `${code} ${where?.line}`).toSorted(), [
      'DUPLICATE_PLUGIN 3',
      'FAILED_SETUP 5',
      'PERL_PACKAGE 6',
      'UNKNOWN_OPTION 4',
      'UNKNOWN_PLUGIN 1',
    ]);
    assert.deepEqual(
      engine.lines.map(({ line }) => line.name),
      ['idle'],
    );
  });

  it('ends the plugins of config/logging last: the others may have something to say', async (t) => {
    const site = new Site(t, { logging: 'b\nc\n', plugins: 'a\n' });
    const ended: string[] = [];
    const ending = plugin({
      setup({ id, onRetire }) {
        onRetire(async () => {
          await turn();
          if (id === 'b') throw new Error('no disk');
          ended.push(id);
        });
        return {};
      },
    });
    const { engine } = await site.build({ a: ending, b: ending, c: ending });
    await engine.retire();
    assert.deepEqual(ended, ['a', 'c']);
    assert.match(site.lines.join(), /a plugin failed to end its work: no disk/);
  });

  it('does not take a defect of ours for a mistake of the operator', async (t) => {
    const site = new Site(t, { plugins: 'x\n' });
    const trap = new Proxy({}, { get: () => assert.fail('a defect'), has: () => true });
    await assert.rejects(site.build({ x: trap }), /a defect/);
  });
});

describe('logging plugins', () => {
  const client = makeClient();
  const source = { plugin: 'relay', hook: 'rcpt', connection: client, transaction: null } as const;

  it('get every entry they want, with the client it is about', async (t) => {
    const seen: unknown[] = [];
    const logging = plugin({
      setup: () => ({
        logging: {
          upTo: 'notice',
          handler: (at, entry: LogEntry) => void seen.push([at.connection, entry.plugin, entry.text]),
        },
      }),
    });
    const site = new Site(t, { logging: 'logging\n' });
    const { engine } = await site.build({ logging });
    site.log.use(engine.sinks);
    site.log.write('notice', 'wanted', source);
    site.log.write('info', 'unwanted', source);
    assert.deepEqual(seen, [[client, 'relay', 'wanted']]);
  });

  it('that log themselves do not go round in circles', async (t) => {
    const texts: string[] = [];
    const logging = plugin({
      setup: (host) => ({
        logging: (at, entry) => {
          texts.push(entry.text);
          at.log.info('from a hook');
          host.log.info('from outside of one');
        },
      }),
    });
    const site = new Site(t, { logging: 'logging\n' });
    const { engine } = await site.build({ logging });
    site.log.use(engine.sinks);
    site.log.write('info', 'one');
    site.log.write('info', 'two');
    assert.deepEqual(texts, ['one', 'two']);
  });

  it('read files, but ask no config hooks', async (t) => {
    const seen: unknown[] = [];
    const logging = plugin({
      setup: () => ({
        logging: (at) => void seen.push(at.config('list')),
        config: () => assert.fail('a config hook was asked'),
      }),
    });
    const site = new Site(t, { logging: 'logging\n', list: 'a\n' });
    const { engine } = await site.build({ logging });
    site.log.use(engine.sinks);
    site.log.write('info', 'one');
    assert.deepEqual(seen, [['a']]);
  });

  it('that fail do no harm to whoever logs, nor to the others', async (t) => {
    const texts: string[] = [];
    const throws = plugin({
      setup: () => ({
        logging: () => {
          throw new Error('disk\nfull');
        },
      }),
    });
    const rejects = plugin({
      setup: () => ({ logging: () => Promise.reject(new Error('no route')) as never }),
    });
    const works = plugin({ setup: () => ({ logging: (_at, entry) => void texts.push(entry.text) }) });
    const site = new Site(t, { logging: 'throws\nrejects\nworks\n' });
    const { engine } = await site.build({ throws, rejects, works });
    site.log.use(engine.sinks);
    site.log.write('info', 'one');
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual(texts, ['one']);
    assert.equal(site.stderr.length, 2);
    assert.match(site.stderr[0] ?? '', /^7 error, logging plugin throws failed: disk\\x0afull at /);
    assert.match(site.stderr[1] ?? '', /^7 error, logging plugin rejects failed: no route/);
  });
});

describe('what a handler may do', () => {
  it('knows clients that are not to be refused', async (t) => {
    const seen: boolean[] = [];
    const x = plugin({ setup: () => ({ noop: (at) => doing(() => seen.push(at.isImmune()), declined) }) });
    const site = new Site(t, { plugins: 'x\n' });
    const { engine } = await site.build({ x });
    const ask = (connection: ReturnType<typeof makeClient>) =>
      engine.dispatcher.decide('noop', { connection, transaction: null, verdicts: null }, '');
    const [plain, relay, listed] = [makeClient(), makeClient(), makeClient()];
    relay.relayClient = true;
    listed.notes.set('whitelisthost', 'a friend');
    for (const each of [plain, relay, listed]) ask(each);
    assert.deepEqual(seen, [false, true, true]);
    assert.deepEqual(site.lines, [
      'info 7.1 (noop) x: skip, relay client',
      'info 7.1 (noop) x: skip, whitelisted host',
    ]);
  });

  it('adds to the karma of a client', async (t) => {
    const x = plugin({
      setup: () => ({
        noop: (at) => {
          at.adjustKarma(-1);
          at.adjustKarma(-2);
          return declined;
        },
      }),
    });
    const site = new Site(t, { plugins: 'x\n' });
    const { engine } = await site.build({ x });
    const connection = makeClient();
    engine.dispatcher.decide('noop', { connection, transaction: null, verdicts: null }, '');
    assert.equal(connection.notes.get('karma'), -3);
    assert.deepEqual(site.lines, ['info 7.1 (noop) x: karma -1 (-1)', 'info 7.1 (noop) x: karma -2 (-3)']);
  });

  it("refuses as its line says, and logs at its line's level", async (t) => {
    const x = plugin({ setup: () => ({ noop: (at) => at.reject('no', { status: '5.7.1', log: 'why' }) }) });
    const site = new Site(t, { plugins: 'x loglevel -2\n' });
    const { engine } = await site.build({ x });
    const scene = { connection: makeClient(), transaction: null, verdicts: null };
    assert.deepEqual(engine.dispatcher.decide('noop', scene, ''), deny('no', '5.7.1'));
    assert.deepEqual(site.lines, ['warn 7.1 (noop) x: fail, why']);
  });
});
