// What comes with the program: its manual pages and the completion of its command line, as programs of Debian read them.

import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { install, Packages, printed, rootWith, skip, toMaildir } from './support.ts';

const packages = new Packages();
after(() => packages.remove());

const source = join(import.meta.dirname, '..', '..', '..');

describe('what comes with the program', { skip }, () => {
  test('every manual page is found and reads without a warning', (t) => {
    const root = rootWith(t);
    packages.put(root);
    const pages = readdirSync(join(source, 'man')).filter((name) => /\.\d$/.test(name));
    // A word of a page may be longer than what is left of a line, as lintian knows too.
    const looks = pages.map((page) => {
      const [, name, section] = /^(.*)\.(\d)$/.exec(page) ?? [];
      return `inside man --warnings=w ${section} ${name} 2>&1 > /dev/null | grep -v 'cannot adjust line' | sed 's/^/warned: /'
inside man ${section} ${name} | head -n 1 | sed 's/^/first: /'
inside man -f ${name} | sed 's/^/about: /'`;
    });
    const said = root.run(`${toMaildir}
${install}
inside mandb --quiet
${looks.join('\n')}`);
    assert.doesNotMatch(said, /^warned: /m);
    assert.ok(pages.length >= 5);
    for (const page of pages) {
      const [, name = '', section = ''] = /^(.*)\.(\d)$/.exec(page) ?? [];
      printed(
        said,
        new RegExp(`^first: ${name}\\(${section}\\)`, 'im'),
        new RegExp(`^about: ${name} +\\(${section}\\) +- \\w`, 'm'),
      );
    }
  });

  test('bash, zsh and fish complete subcommands, options, and the other names of the program', (t) => {
    const root = rootWith(t, 'zsh', 'fish', 'bash-completion');
    packages.put(root);
    // A terminal with zsh in it, which is sent a tab key.
    writeFileSync(
      join(root.dir, 'root/complete.zsh'),
      `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; autoload -Uz compinit; compinit -u; setopt list_ambiguous; LISTMAX=0"
zpty -w shell 'echo re""ady'
zpty -r shell answer '*ready*'
for words in "$@"; do
  zpty -w -n shell "$words"$'\\t\\t'
  sleep 2
  zpty -w -n shell $'\\C-u'
  answer=
  while zpty -r -t shell part; do answer+=$part; done
  print -r -- "zsh $words: \${answer//[[:cntrl:]]/ }"
done
zpty -d shell
`,
    );
    const bash = (words: string, program = 'qpsmtpd') =>
      `inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader ${program}
COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _qpsmtpd; echo "bash ${words}: \${COMPREPLY[*]}"'`;
    const fish = (words: string) =>
      `inside fish -c 'complete -C "${words}"' | cut -f 1 | tr '\\n' ' ' | sed 's/^/fish ${words}: /'; echo`;
    const said = root.run(`${toMaildir}
${install}
${bash('qpsmtpd check')}
${bash('qpsmtpd check-config --j')}
${bash('qpsmtpd-forkserver --work', 'qpsmtpd-forkserver')}
${bash('qpsmtpd check-config --config /etc/qpsm')}
inside zsh -n /usr/share/zsh/vendor-completions/_qpsmtpd; echo "zsh reads it: $?"
inside env HOME=/root TERM=xterm COLUMNS=200 zsh -f /root/complete.zsh 'qpsmtpd check' 'qpsmtpd check-config --js' 'qpsmtpd-forkserver --worke'
inside fish --no-execute /usr/share/fish/vendor_completions.d/qpsmtpd.fish; echo "fish reads it: $?"
${fish('qpsmtpd ')}
${fish('qpsmtpd check-config --')}
${fish('qpsmtpd-forkserver --')}`);
    printed(said, 'bash qpsmtpd check: check-config', 'bash qpsmtpd check-config --j: --json');
    printed(
      said,
      /^bash qpsmtpd-forkserver --work: --worker/m,
      'bash qpsmtpd check-config --config /etc/qpsm: /etc/qpsmtpd',
    );
    printed(
      said,
      'zsh reads it: 0',
      /^zsh qpsmtpd check: .*check-config/m,
      /^zsh qpsmtpd check-config --js: .*--json/m,
    );
    printed(said, /^zsh qpsmtpd-forkserver --worke: .*--worker/m);
    printed(
      said,
      'fish reads it: 0',
      /^fish qpsmtpd : .*check-config .*serve/m,
      /^fish qpsmtpd check-config --: .*--json/m,
    );
    printed(said, /^fish qpsmtpd-forkserver --: .*--workers/m);
  });
});
