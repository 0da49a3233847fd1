// The help of the program, and the first word of a call.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { examples, wordsMistake } from '../../src/cli/usage.ts';
import { runProgram } from '../support/program.ts';

const subcommands = ['serve', 'forkserver', 'check-config', 'queue'];

describe('the first word', () => {
  for (const words of [[], ['serve', '--fnord'], ['--help'], ['-h'], ['--version'], ['queue', 'lsit']]) {
    it(`is right in "${words.join(' ')}"`, () => assert.equal(wordsMistake(words, subcommands), null));
  }

  it('may be near to a subcommand', () => {
    const text = 'there is no subcommand "chekc-config" (did you mean "check-config"?)';
    assert.equal(wordsMistake(['chekc-config'], subcommands), text);
  });

  it('may be anything else', () => {
    const text = `there is no subcommand "\\x1bhello" (subcommands: ${subcommands.join(', ')})`;
    assert.equal(wordsMistake(['\x1bhello'], subcommands), text);
  });

  it('may be an option where no client is to be served', () => {
    assert.match(
      wordsMistake(['--config', '/etc/qpsmtpd'], subcommands) ?? '',
      /^options stand behind a subcommand, as in "qpsmtpd serve --config …"/,
    );
  });
});

describe('the help of a subcommand', () => {
  for (const [name, lines] of Object.entries(examples)) {
    it(`${name} has examples with options that there are, and no blanks at line ends`, async () => {
      const { code, stdout } = await runProgram([name, '--help']);
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /[ \t]$/m);
      assert.match(stdout, /\n\nEXAMPLES\n/);
      const [options = ''] = stdout.split('EXAMPLES');
      for (const line of lines) {
        assert.ok(stdout.includes(`  ${line}\n`), line);
        const own = line.slice(line.indexOf(`qpsmtpd ${name} `));
        assert.notEqual(own, '', line);
        for (const [option] of own.matchAll(/--[a-z-]+/g))
          assert.match(options, new RegExp(`${option}[ =\n]`));
      }
    });
  }

  it('is that of all of them without one', async () => {
    const { stdout } = await runProgram(['--help']);
    for (const name of Object.keys(examples)) assert.match(stdout, new RegExp(`^ +${name} `, 'm'));
    // It is started by forkserver alone.
    assert.doesNotMatch(stdout, /worker/);
  });
});
