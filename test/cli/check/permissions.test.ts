// Rights of files and folders, for a user who is not the one that runs the tests.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CheckContext } from '../../../src/cli/check/context.ts';
import { permissions } from '../../../src/cli/check/permissions.ts';
import { pluginChecks } from '../../../src/cli/check/plugin-checks.ts';
import { contextOf, type Files, OWN_USER, texts } from './support.ts';

/** Owns nothing, and is in no group of the tests' files. */
const stranger = { name: 'smtpd', uid: 4_000_001, gids: [4_000_001], isOfItsOwn: true };
/** Has the rights of the owner's group. */
const member = { ...stranger, gids: [4_000_001, process.getgid?.() ?? 0] };

const mail = {
  plugins: 'rcpt_ok\nqueue/maildir @DIR@/mail\n',
  rcpthosts: 'example.org\n',
  spool_dir: '@DIR@/spool\n',
};

/** With a spool that anybody may use, so that it is not spoken of. */
async function prepared(files: Files = {}, user: CheckContext['user'] = stranger) {
  const context = await contextOf({ ...mail, ...files }, { user });
  const place = (name: string) => join(context.dir, name);
  for (const name of ['spool', 'mail']) {
    mkdirSync(place(name));
    chmodSync(place(name), 0o1777);
  }
  return { context, place };
}

async function checked(context: CheckContext): Promise<string[]> {
  const found = [...(await permissions(context)), ...(await pluginChecks(context))];
  return texts(found).filter((text) => !text.includes('SPOOL_'));
}

describe('a folder to write to', () => {
  it('is not made where a link leads to nothing', async () => {
    const { context, place } = await prepared({ spool_dir: '@DIR@/link\n' }, OWN_USER);
    symlinkSync(place('nowhere'), place('link'));
    const [finding] = await permissions(context);
    assert.equal(finding?.code, 'NOT_WRITABLE');
    assert.match(finding?.text ?? '', /link is a link to what is not there$/);
  });
});

describe('the configuration', () => {
  it('is in order where others keep it and the server reads it', async () => {
    const { context } = await prepared();
    assert.deepEqual(await checked(context), []);
  });

  it('has to be readable for the user of the server', async () => {
    const { context, place } = await prepared();
    chmodSync(place('etc/rcpthosts'), 0o640);
    const [text, ...others] = await checked(context);
    assert.deepEqual(others, []);
    assert.match(
      text ?? '',
      /^error UNREADABLE_FOR_SERVER the file cannot be read by the user smtpd, .*0640/,
    );
    assert.deepEqual(await checked({ ...context, user: { ...member, isOfItsOwn: false } }), []);
  });

  it('has to be, with what it includes and the folders above', async () => {
    const { context, place } = await prepared({
      rcpthosts: '$include more/hosts\n',
      'more/hosts': 'a.example\n',
    });
    assert.deepEqual(await checked(context), []);
    chmodSync(place('etc/more'), 0o750);
    const [text] = await checked(context);
    assert.match(text ?? '', /^error UNREADABLE_FOR_SERVER .*: the folder \S*etc\/more is closed to it$/);
  });

  it('is followed through links', async () => {
    const { context, place } = await prepared({ './closed/relayclients': '192.0.2.1\n', plugins: 'relay\n' });
    symlinkSync(place('closed/relayclients'), place('etc/relayclients'));
    context.store.expire();
    assert.deepEqual(await checked(context), []);
    chmodSync(place('closed'), 0o700);
    assert.match((await checked(context)).join('\n'), /closed is closed to it/);
  });

  it('should not be open to all, nor to the server: so could whoever breaks in', async () => {
    const { context, place } = await prepared({}, member);
    chmodSync(place('etc/plugins'), 0o666);
    chmodSync(place('etc/rcpthosts'), 0o664);
    chmodSync(place('etc/spool_dir'), 0o664);
    const found = await permissions(context);
    assert.deepEqual(
      found
        .filter(({ code }) => code.endsWith('CONFIG') || code === 'CONFIG_OF_SERVER')
        .map(({ code }) => code),
      ['OPEN_CONFIG', 'CONFIG_OF_SERVER'],
    );
    assert.match(texts(found).join('\n'), /may change it, and 1 more files and folders/);
    assert.deepEqual(await checked({ ...context, user: OWN_USER }), [
      'warning OPEN_CONFIG every user of this host may change the configuration here: the mode is 0666',
    ]);
  });

  it('is closed to all below a closed folder', async () => {
    const { context, place } = await prepared({}, OWN_USER);
    chmodSync(place('etc/plugins'), 0o666);
    chmodSync(place('etc'), 0o700);
    assert.deepEqual(await checked(context), []);
  });
});

describe('secrets', () => {
  const logins = {
    plugins: 'auth/auth_flat_file\nqueue/smtp-forward 192.0.2.1 login @DIR@/login\n',
    flat_auth_pw: 'user@example.org:{PLAIN}x\n',
    './login': 'user:password\n',
  };

  it('are warned of where every user can read them', async () => {
    const { context, place } = await prepared(logins, OWN_USER);
    const found = await checked(context);
    assert.equal(found.length, 2, found.join('\n'));
    assert.match(
      found[0] ?? '',
      /^warning OPEN_SECRET the file holds secrets, and every user .* may read it/,
    );
    assert.match(
      found[1] ?? '',
      /^warning OPEN_SECRET plugin "queue\/smtp-forward": \S*\/login holds secrets/,
    );
    chmodSync(place('login'), 0o602);
    chmodSync(place('etc/flat_auth_pw'), 0o600);
    assert.match((await checked(context)).join('\n'), /^warning OPEN_SECRET .* every user .* may change it/);
  });

  it('have to be readable for the user of the server', async () => {
    const { context, place } = await prepared(logins);
    for (const name of ['login', 'etc/flat_auth_pw']) chmodSync(place(name), 0o640);
    const found = await checked(context);
    assert.equal(found.length, 2, found.join('\n'));
    for (const text of found) assert.match(text, /^error UNREADABLE_FOR_SERVER /);
    assert.deepEqual(await checked({ ...context, user: { ...member, isOfItsOwn: false } }), []);
  });
});

describe('folders of mail', () => {
  it('have to be such that the server can write there', async () => {
    const { context, place } = await prepared();
    chmodSync(place('mail'), 0o755);
    const [text, ...others] = await checked(context);
    assert.deepEqual(others, []);
    assert.match(
      text ?? '',
      /^error NOT_WRITABLE plugin "queue\/maildir": the user smtpd, .* cannot write to \S*\/mail:/,
    );
    chmodSync(place('mail'), 0o777);
    assert.match(
      (await checked(context)).join('\n'),
      /^warning OPEN_FOLDER .* every user .* may write to \S*\/mail/,
    );
  });

  it('are made where they are missing, if that can be done', async () => {
    const plugins = 'rcpt_ok\nqueue/spool @DIR@/mail/queue/a via queue/maildir @DIR@/elsewhere/b\n';
    const { context } = await prepared({ plugins });
    const [text, ...others] = await checked(context);
    assert.deepEqual(others, []);
    assert.match(
      text ?? '',
      /^error NOT_WRITABLE plugin "queue\/maildir": .* it is not there, and cannot be made in /,
    );
  });
});

describe('spool_dir', () => {
  async function spool(mode: number, user: CheckContext['user'], perms = '0700\n') {
    const context = await contextOf({ ...mail, plugins: '', spool_perms: perms }, { user });
    if (mode !== 0) {
      mkdirSync(join(context.dir, 'spool'));
      chmodSync(join(context.dir, 'spool'), mode);
    }
    return (await permissions(context)).map(({ code, where, hint }) => `${code} ${where?.line} ${hint}`);
  }

  it('is in order with the mode of spool_perms, or where it can be made', async () => {
    assert.deepEqual(await spool(0o700, OWN_USER), []);
    assert.deepEqual(await spool(0o2700, OWN_USER), []);
    assert.deepEqual(await spool(0o750, OWN_USER, '0750\n'), []);
    assert.deepEqual(await spool(0, OWN_USER), []);
  });

  it('is not with another mode', async () => {
    assert.match((await spool(0o750, OWN_USER)).join(), /^SPOOL_MODE 1 chmod 0700 \S+\/spool$/);
  });

  it('has to belong to the user of the server', async () => {
    assert.match((await spool(0o1777, stranger)).join(), /^SPOOL_OWNER 1 chown smtpd \S+\/spool$/);
    assert.match(
      (await spool(0o700, stranger)).join(),
      /^NOT_WRITABLE 1 .*install -d -o smtpd -m 0700 \S+\/spool$/,
    );
    assert.match((await spool(0, stranger)).join(), /^NOT_WRITABLE 1 /);
  });
});
