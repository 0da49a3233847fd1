// The manual's reader of sources, by what is known of some of them: a table that it cannot read would be empty, and no
// other test would miss it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withSources } from '../../scripts/man/sources.ts';
import { root } from './support.ts';

describe('withSources', () => {
  const known = withSources(root, (sources) => ({
    address: sources.members('protocol/address.ts', 'Address'),
    host: sources.members('contract/plugin.ts', 'Host'),
    verdicts: sources.functions('contract/verdict.ts'),
    options: sources.methods('contract/options.ts', 'option').map(({ name }) => name),
    rcpt: sources.hooks.get('rcpt'),
    mailPre: sources.hooks.get('mail_pre'),
    exports: new Map(sources.exports.map(({ name, doc }) => [name, doc])),
    earlytalker: sources.use('earlytalker'),
    naughty: sources.use('naughty'),
    relay: sources.use('relay'),
  }));

  it('has the members of classes: fields, accessors and static ones, but no private ones', () => {
    const forms = new Map(known.address.map(({ name, form }) => [name, form]));
    assert.equal(forms.get('localPart'), ': string');
    assert.equal(forms.get('key'), ': string');
    assert.match(forms.get('Address.parse') ?? '', /^\(path: string, .*\): Address \| null$/);
    assert.equal(forms.get('Address.nullSender'), ': Address');
    assert.ok([...forms.keys()].every((name) => !name.includes('#') && name !== 'constructor'));
  });

  it('has members of interfaces with what is said of them', () => {
    const onRetire = known.host.find(({ name }) => name === 'onRetire');
    assert.equal(onRetire?.form, '(work: () => Awaitable<void>): void');
    assert.match(onRetire.doc, /^What to do when the server stops/);
  });

  it('has functions without their bodies, and no private ones', () => {
    const names = known.verdicts.map(({ name }) => name);
    assert.ok(names.includes('denySoft'));
    assert.ok(!names.includes('refusal'));
    assert.ok(known.verdicts.every(({ form }) => !form.includes('return')));
    assert.ok(known.options.includes('oneOf') && known.options.includes('reject'));
  });

  it('has what hooks are given and give', () => {
    assert.deepEqual(known.rcpt, {
      scope: 'envelope',
      args: 'recipient: Address, params: EsmtpParams',
      value: null,
    });
    assert.equal(known.mailPre?.value, 'string');
  });

  it('has exports with what is said where they are declared', () => {
    assert.match(known.exports.get('deny') ?? '', /^Refuses for good/);
    assert.ok(known.exports.has('SmtpPool'));
  });

  it('finds hooks in literals, under computed names, and notes by their type', () => {
    assert.deepEqual(known.earlytalker.hooks, ['connect', 'mail', 'data']);
    assert.ok(known.naughty.hooks.includes('queue_post') && known.naughty.hooks.includes('rcpt'));
    assert.deepEqual(
      known.earlytalker.notes.find(({ name }) => name === 'earlytalker'),
      { of: 'connection', name: 'earlytalker', sets: true, reads: true },
    );
    assert.deepEqual(known.relay.notes, []);
  });
});
