// What is in the packages: every file with its place and its permissions. deb and rpm differ in the end of this list
// only, each in its own script.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  bashCompletion,
  fishCompletion,
  fishCompletionFor,
  type Usage,
  zshCompletion,
} from './completion.ts';
import { root } from './release.ts';

export interface Entry {
  /** place on the machine, without a slash in front */
  readonly path: string;
  readonly mode: number;
  /** what is in it; null for a folder */
  readonly content: Buffer | string | { readonly copyOf: string } | { readonly linkTo: string } | null;
  /** a file of settings, which an upgrade leaves as the administrator has made it */
  readonly isConfig?: true;
}

export const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

/** With neither name nor date in it, so that it is the same each time. */
export const gzip = (text: string) => gzipSync(text, { level: 9 });

const file = (path: string, content: string | Buffer): Entry => ({ path, mode: 0o644, content });
const script = (path: string, content: string): Entry => ({ path, mode: 0o755, content });
const config = (path: string, content: string, mode = 0o644): Entry => ({
  path,
  mode,
  content,
  isConfig: true,
});
const folder = (path: string, mode = 0o755): Entry => ({ path, mode, content: null });
const link = (path: string, linkTo: string): Entry => ({ path, mode: 0o777, content: { linkTo } });

const nodePackage = `node-linux-${process.arch}`;

/** The names under which the program takes the place of the two programs in Perl. */
const otherNames = ['qpsmtpd-forkserver', 'qpsmtpd-prefork'];

function programs(executable: string): Entry[] {
  return [
    { path: 'usr/bin/qpsmtpd', mode: 0o755, content: { copyOf: executable } },
    ...otherNames.map((name) => link(`usr/bin/${name}`, 'qpsmtpd')),
    script('usr/lib/qpsmtpd/run-qpsmtpd', read('packaging/bin/run-qpsmtpd')),
    script('usr/lib/qpsmtpd/hand-over', read('packaging/bin/hand-over')),
    file('usr/lib/qpsmtpd/local-programs.conf', read('packaging/systemd/local-programs.conf')),
    ...['run', 'run.forkserver', 'log/run'].map((name) =>
      script(`usr/lib/qpsmtpd/daemontools/${name}`, read('packaging/daemontools', name)),
    ),
  ];
}

function manual(): Entry[] {
  const pages = readdirSync(join(root, 'man')).filter((name) => /\.\d$/.test(name));
  const places = pages.map((name) =>
    file(`usr/share/man/man${name.at(-1)}/${name}.gz`, gzip(read('man', name))),
  );
  const missing = otherNames.filter((name) => !pages.includes(`${name}.8`));
  return [...places, ...missing.map((name) => link(`usr/share/man/man8/${name}.8.gz`, 'qpsmtpd.8.gz'))];
}

function settings(): Entry[] {
  return readdirSync(join(root, 'packaging/config'))
    .sort()
    .map((name) => config(`etc/qpsmtpd/${name}`, read('packaging/config', name)));
}

function completions(usage: Usage): Entry[] {
  return [
    file('usr/share/bash-completion/completions/qpsmtpd', bashCompletion(usage, otherNames)),
    // bash and fish look for a file by the name of the program.
    ...otherNames.map((name) => link(`usr/share/bash-completion/completions/${name}`, 'qpsmtpd')),
    file('usr/share/zsh/vendor-completions/_qpsmtpd', zshCompletion(usage, otherNames)),
    file('usr/share/fish/vendor_completions.d/qpsmtpd.fish', fishCompletion(usage)),
    ...otherNames.map((name) =>
      file(`usr/share/fish/vendor_completions.d/${name}.fish`, fishCompletionFor(name, usage)),
    ),
  ];
}

/** What both kinds of package contain. */
export function commonContents(executable: string, usage: Usage): Entry[] {
  return [
    ...programs(executable),
    ...manual(),
    ...settings(),
    ...completions(usage),
    config('etc/logrotate.d/qpsmtpd', read('packaging/init/logrotate')),
    file('usr/lib/systemd/system/qpsmtpd.service', read('packaging/systemd/qpsmtpd.service')),
    file('usr/lib/systemd/system/qpsmtpd.socket', read('packaging/systemd/qpsmtpd.socket')),
    file('usr/share/doc/qpsmtpd/OPERATING.md.gz', gzip(read('docs/OPERATING.md'))),
    file('usr/share/doc/qpsmtpd/UPGRADING.md.gz', gzip(read('docs/UPGRADING.md'))),
    ...readdirSync(join(root, 'docs/upgrading'))
      .sort()
      .map((name) => file(`usr/share/doc/qpsmtpd/upgrading/${name}.gz`, gzip(read('docs/upgrading', name)))),
    // Node's own licence asks for its text, and for those of the libraries in it, to go with every copy.
    file('usr/share/doc/qpsmtpd/node-notices.gz', gzip(read('node_modules', nodePackage, 'LICENSE'))),
  ];
}

export const entry = { file, script, config, folder };
