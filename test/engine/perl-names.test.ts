// Names of plugins that come from a configuration of Perl's qpsmtpd.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bundledPlugins } from '../../plugins/index.ts';
import { perlNameHint } from '../../src/engine/perl-names.ts';

describe('a plugin of qpsmtpd that is not there', () => {
  it('is told as not in this version, also under a former name', () => {
    assert.match(perlNameHint('karma') ?? '', /^this plugin of qpsmtpd is not in this version: /);
    assert.match(
      perlNameHint('check_basicheaders') ?? '',
      /^this plugin of qpsmtpd is not in this version: /,
    );
  });

  it('is not any other name', () => assert.equal(perlNameHint('constructor'), null));

  for (const name of Object.keys(bundledPlugins)) {
    it(`is not ${name}, which is there`, () => assert.equal(perlNameHint(name), null));
  }
});
