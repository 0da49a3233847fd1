// Writes man/qpsmtpd-config.5 and man/qpsmtpd-plugins.5 from the definitions of files, options, plugins and hooks, so
// that the manual says what the program checks. man/qpsmtpd.8 is written by hand; its date is that of all pages.
// `--check` writes nothing and exits 1 when a page is not what it would write.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { bundledPlugins } from '../plugins/index.ts';
import { configPage, type Edition } from './man/config-page.ts';
import { pluginsPage } from './man/plugins-page.ts';

const folder = join(dirname(import.meta.dirname), 'man');

function edition(): Edition {
  const byHand = readFileSync(join(folder, 'qpsmtpd.8'), 'utf8');
  const date = /^\.TH QPSMTPD 8 "(\d{4}-\d\d-\d\d)"/m.exec(byHand)?.[1];
  if (date === undefined) throw new Error('man/qpsmtpd.8 has no .TH line with a date');
  return { version: packageJson.version, date };
}

async function pages(): Promise<ReadonlyMap<string, string>> {
  const load = async ([name, get]: [string, (typeof bundledPlugins)[string]]) =>
    [name, (await get()).default] as const;
  const plugins = await Promise.all(Object.entries(bundledPlugins).map(load));
  const files = plugins.flatMap(([name, plugin]) =>
    Object.entries(plugin.files ?? {}).map(
      ([file, { kind }]) => [kind === 'map' ? `${file}.cdb` : file, name] as const,
    ),
  );
  return new Map([
    ['qpsmtpd-config.5', configPage(edition(), files)],
    ['qpsmtpd-plugins.5', pluginsPage(edition(), plugins)],
  ]);
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const [name, text] of await pages()) {
  const file = join(folder, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) console.log(`man/${name} is up to date.`);
  else if (values.check) {
    console.error(`man/${name} is not what the sources say. Run "npm run generate".`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`man/${name} written.`);
  }
}
