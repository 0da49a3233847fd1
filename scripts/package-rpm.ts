// Makes dist/qpsmtpd-VERSION-1.ARCH.rpm of the executable in dist/ with rpmbuild, and the bill of materials beside it.
// The same commit and the same executable give the same bytes. Options: see scripts/package/request.ts.

import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOfMaterials, readLock } from './package/bill-of-materials.ts';
import { askUsage } from './package/completion.ts';
import { commonContents, type Entry, entry, gzip, read } from './package/contents.ts';
import { type Release, readRelease, run } from './package/release.ts';
import { type Request, readRequest, speaker, tellFaults } from './package/request.ts';
import { layOut } from './package/stage.ts';

const rpmArch = { x64: 'x86_64', arm64: 'aarch64' } as const;
const payload = { xz: 'w6.xzdio', gzip: 'w1.gzdio', none: 'w.ufdio' } as const;

/** Places that systems with rpm have for what lies elsewhere on Debian. */
const elsewhere: Readonly<Record<string, string>> = {
  'usr/share/zsh/vendor-completions/_qpsmtpd': 'usr/share/zsh/site-functions/_qpsmtpd',
};

function contents(request: Request): Entry[] {
  const { file, config, folder } = entry;
  const common = commonContents(request.executable, askUsage(speaker(request)));
  return [
    ...common.map((one) => adapt({ ...one, path: elsewhere[one.path] ?? one.path })),
    config('etc/qpsmtpd/queue-method', read('packaging/rpm/queue-method')),
    config('etc/qpsmtpd/local-rcpthosts', read('packaging/rpm/rcpthosts')),
    config('etc/qpsmtpd/spool_dir', read('packaging/rpm/spool_dir')),
    config('etc/sysconfig/qpsmtpd', read('packaging/init/default')),
    file('usr/lib/sysusers.d/qpsmtpd.conf', read('packaging/sysusers/qpsmtpd.sysusers')),
    file('usr/lib/tmpfiles.d/qpsmtpd.conf', read('packaging/sysusers/qpsmtpd.tmpfiles')),
    file('usr/share/licenses/qpsmtpd/LICENSE', read('LICENSE')),
    file('usr/share/doc/qpsmtpd/CHANGELOG.md.gz', gzip(read('CHANGELOG.md'))),
    folder('etc/qpsmtpd'),
    folder('usr/lib/qpsmtpd'),
    folder('usr/lib/qpsmtpd/daemontools'),
    folder('usr/lib/qpsmtpd/daemontools/log'),
    folder('usr/share/doc/qpsmtpd'),
    folder('usr/share/licenses/qpsmtpd'),
    folder('var/log/qpsmtpd', 0o750),
  ];
}

const logLines = `# 4 (warn) is enough for every day; 6 (info) tells what was said and what each plugin made of it; 7 tells all.
logging/warn 6
`;

/** Without questions there is nothing that answers could be written to: the files that are included are settings. */
function adapt(one: Entry): Entry {
  if (one.isConfig !== true || typeof one.content !== 'string') return one;
  const content = one.content
    .replaceAll('/etc/qpsmtpd/debian-queue-method', '/etc/qpsmtpd/queue-method')
    .replaceAll('/etc/qpsmtpd/debian-rcpthosts', '/etc/qpsmtpd/local-rcpthosts')
    .replace(
      /: the choice made when[\s\S]*?\n(?=\$)/,
      '. Any line of plugins may stand in the included file.\n',
    )
    .replace(/# The domains named when[\s\S]*?\n(?=\$)/, '')
    .replace(/# The choice made when the package[\s\S]*?\n\$include \S+debian-logging\n/, logLines)
    .replace(', else /var/log/qpsmtpd/qpsmtpd.log', '')
    .replaceAll('service qpsmtpd reload', 'systemctl reload qpsmtpd')
    .replace(
      " the answers to the\n# package's questions (/etc/qpsmtpd/debconf-settings)",
      ' what stands\n# in the unit',
    );
  return { ...one, content };
}

/** Folders that the server writes to are its user's. */
const ownerOf = (path: string) => (path.startsWith('var/') ? 'smtpd,smtpd' : 'root,root');

function fileLine({ path, mode, content, isConfig }: Entry): string {
  const attributes =
    content !== null && typeof content === 'object' && 'linkTo' in content
      ? ''
      : `%attr(${mode.toString(8).padStart(4, '0')},${ownerOf(path)}) `;
  const kind =
    content !== null && /^usr\/share\/(?:doc|man)\//.test(path)
      ? '%doc '
      : content !== null && path.startsWith('usr/share/licenses/')
        ? '%license '
        : '';
  const state = isConfig === true ? '%config(noreplace) ' : '';
  return `${state}${kind}${content === null ? '%dir ' : ''}${attributes}/${path}`;
}

const dateLine = (seconds: number) => {
  const [day = '', date = '', month = '', year = ''] = new Date(seconds * 1000).toUTCString().split(/,? /);
  return `${day} ${month} ${date} ${year}`;
};

function spec(entries: readonly Entry[], { packageVersion, maintainer, date }: Release): string {
  const fields: Readonly<Record<string, string>> = {
    VERSION: packageVersion,
    MAINTAINER: maintainer,
    DATE: dateLine(date),
    FILES: entries.map(fileLine).sort().join('\n'),
  };
  return read('packaging/rpm/qpsmtpd.spec.in').replace(/@([A-Z]+)@/g, (_, name) => fields[name] ?? '');
}

/** What rpmbuild would do to the files or tell of this machine is switched off. */
const macros = (work: string, { compression }: Request): string[] =>
  [
    `_topdir ${work}`,
    `_rpmdir ${work}`,
    '_rpmfilename %%{NAME}.rpm',
    '_buildhost localhost',
    'use_source_date_epoch_as_buildtime 1',
    'clamp_mtime_to_source_date_epoch 1',
    'source_date_epoch_from_changelog 0',
    `_binary_payload ${payload[compression]}`,
    '__os_install_post %{nil}',
    '__spec_install_pre %{___build_pre}',
    'debug_package %{nil}',
    '_build_id_links none',
    '_smp_ncpus_max 1',
    // Debian's rpmbuild would look for its database.
    `_dbpath ${join(work, 'db')}`,
  ].flatMap((line) => ['--define', line]);

function make(request: Request): void {
  const release = readRelease(process.env, request.version);
  const entries = contents(request);
  const arch = rpmArch[request.arch];
  const name = `qpsmtpd-${release.packageVersion}-1.${arch}`;
  mkdirSync(request.out, { recursive: true });
  const work = mkdtempSync(join(request.out, '.rpm-'));
  try {
    const tree = join(work, 'tree');
    layOut(entries, tree, release.date);
    const specFile = join(work, 'qpsmtpd.spec');
    writeFileSync(specFile, spec(entries, release));
    const words = [
      '-bb',
      '--target',
      `${arch}-linux`,
      '--buildroot',
      tree,
      '--noprep',
      '--noclean',
      specFile,
    ];
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(release.date), LC_ALL: 'C.UTF-8', TZ: 'UTC' };
    run('rpmbuild', [...words, ...macros(work, request)], env);
    const file = join(request.out, `${name}.rpm`);
    renameSync(join(work, 'qpsmtpd.rpm'), file);
    const bill = billOfMaterials(release, readLock(), request.arch, request.executable);
    writeFileSync(join(request.out, `${name}.cdx.json`), bill);
    console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

await tellFaults(() => make(readRequest(process.argv.slice(2))));
