// Makes dist/qpsmtpd_VERSION_ARCH.deb of the executable in dist/ with dpkg-deb alone, and the bill of materials beside
// it. The same commit and the same executable give the same bytes. Options: see scripts/package/request.ts.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledPlugins } from '../plugins/index.ts';
import { formerNames } from '../src/engine/former-names.ts';
import { billOfMaterials, type Lock, nodeVersion, partsOf, readLock } from './package/bill-of-materials.ts';
import { askUsage } from './package/completion.ts';
import { commonContents, type Entry, entry, gzip, read } from './package/contents.ts';
import { type Release, readRelease, run } from './package/release.ts';
import { type Request, readRequest, speaker, tellFaults } from './package/request.ts';
import { layOut } from './package/stage.ts';

const debianArch = { x64: 'amd64', arm64: 'arm64' } as const;
const scripts = ['config', 'preinst', 'postinst', 'prerm', 'postrm'];

/** The part of the version behind the last hyphen counts packages of one and the same version of the program. */
const versionOf = ({ packageVersion }: Release) => `${packageVersion}-1`;

/** As RFC 5322 writes a date, which is how Debian's changelogs have it. */
const mailDate = (seconds: number) => new Date(seconds * 1000).toUTCString().replace('GMT', '+0000');

function changelog(release: Release): string {
  const change = '  * See changelog.gz for what is new in this version.';
  const signature = ` -- ${release.maintainer}  ${mailDate(release.date)}`;
  return `qpsmtpd (${versionOf(release)}) unstable; urgency=medium\n\n${change}\n\n${signature}\n`;
}

/** Indented by a space, with a dot for a blank line, as Debian's control files have long texts. */
const folded = (text: string) =>
  text.trimEnd().replace(/^(.*)$/gm, (line) => (line === '' ? ' .' : ` ${line}`));

function copyright(lock: Lock, arch: Request['arch']): string {
  const packages = partsOf(lock).map(
    ({ name, locked }) => `  ${name} ${locked.version ?? ''}: ${locked.license ?? 'see its files'}`,
  );
  const [, terms = ''] = /\n\n(Permission is[\s\S]*)$/.exec(read('LICENSE')) ?? [];
  return read('packaging/deb/copyright.in')
    .replace('@LICENSE@', () => folded(terms))
    .replace('@NODE@', nodeVersion(lock, arch))
    .replace('@PACKAGES@', packages.join('\n'));
}

function contents(request: Request, release: Release, lock: Lock): Entry[] {
  const { file, script, config, folder } = entry;
  return [
    ...commonContents(request.executable, askUsage(speaker(request))),
    { ...script('etc/init.d/qpsmtpd', read('packaging/init/qpsmtpd')), isConfig: true },
    config('etc/default/qpsmtpd', read('packaging/init/default')),
    folder('var/lib/qpsmtpd/greylisting'),
    folder('var/log/qpsmtpd'),
    folder('var/spool/qpsmtpd'),
    file('usr/share/doc/qpsmtpd/changelog.Debian.gz', gzip(changelog(release))),
    file('usr/share/doc/qpsmtpd/changelog.gz', gzip(read('CHANGELOG.md'))),
    file('usr/share/doc/qpsmtpd/copyright', copyright(lock, request.arch)),
    file('usr/share/lintian/overrides/qpsmtpd', read('packaging/deb/lintian-overrides')),
  ];
}

function bytesOf({ content }: Entry): Buffer | string | null {
  return content === null || (typeof content === 'object' && 'linkTo' in content)
    ? null
    : typeof content === 'string' || Buffer.isBuffer(content)
      ? content
      : readFileSync(content.copyOf);
}

/** A script that runs before the new program is there cannot ask it which plugins it has. */
function scriptText(name: string): string {
  const former = Object.keys(formerNames).filter((one) =>
    Object.hasOwn(bundledPlugins, formerNames[one] ?? ''),
  );
  const names = [...Object.keys(bundledPlugins), ...former].sort().join(' ');
  return read('packaging/deb/scripts', name).replace('@PLUGINS@', names);
}

function control(entries: readonly Entry[], request: Request, release: Release): Entry[] {
  const { file, script } = entry;
  const lines: string[] = [];
  let size = 0;
  for (const one of entries) {
    const bytes = bytesOf(one);
    size += bytes === null ? 1 : Math.ceil(Buffer.byteLength(bytes) / 1024);
    if (bytes !== null && one.isConfig !== true) {
      lines.push(`${createHash('md5').update(bytes).digest('hex')}  ${one.path}\n`);
    }
  }
  const fields: Readonly<Record<string, string>> = {
    VERSION: versionOf(release),
    ARCH: debianArch[request.arch],
    MAINTAINER: release.maintainer,
    SIZE: String(size),
  };
  const config = entries.filter(({ isConfig }) => isConfig === true);
  return [
    file(
      'DEBIAN/control',
      read('packaging/deb/control.in').replace(/@([A-Z]+)@/g, (_, name) => fields[name] ?? ''),
    ),
    file(
      'DEBIAN/conffiles',
      config
        .map(({ path }) => `/${path}\n`)
        .sort()
        .join(''),
    ),
    file('DEBIAN/md5sums', lines.sort((a, b) => (a.slice(34) < b.slice(34) ? -1 : 1)).join('')),
    file('DEBIAN/templates', read('packaging/deb/templates')),
    ...scripts.map((name) => script(`DEBIAN/${name}`, scriptText(name))),
  ];
}

function make(request: Request): void {
  const release = readRelease(process.env, request.version);
  const lock = readLock();
  const entries = contents(request, release, lock);
  const name = `qpsmtpd_${versionOf(release)}_${debianArch[request.arch]}`;
  mkdirSync(request.out, { recursive: true });
  const work = mkdtempSync(join(request.out, '.deb-'));
  try {
    const tree = join(work, 'tree');
    layOut([...entries, ...control(entries, request, release)], tree, release.date);
    const made = join(work, `${name}.deb`);
    // One thread: with more, xz cuts the data into blocks, and the bytes would differ by machine.
    const words = [
      '--root-owner-group',
      `-Z${request.compression}`,
      '--threads-max=1',
      '--build',
      tree,
      made,
    ];
    run('dpkg-deb', words, { ...process.env, SOURCE_DATE_EPOCH: String(release.date) });
    const file = join(request.out, `${name}.deb`);
    renameSync(made, file);
    const bill = billOfMaterials(release, lock, request.arch, request.executable);
    writeFileSync(join(request.out, `${name}.cdx.json`), bill);
    console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

await tellFaults(() => make(readRequest(process.argv.slice(2))));
