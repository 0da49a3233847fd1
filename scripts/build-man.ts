// Writes the manual from the definitions of files, options, plugins, hooks and the types that plugins see, so that it
// says what the program does. The pages of section 8 are written by hand; of those of forkserver and prefork the options
// come from here. The date of qpsmtpd.8 is that of all pages.
// `--check` writes nothing and exits 1 when a page is not what it would write.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import packageJson from '../package.json' with { type: 'json' };
import { bundledPlugins } from '../plugins/index.ts';
import * as api from '../src/api.ts';
import { forkserverCommand } from '../src/cli/forkserver.ts';
import { preforkCommand } from '../src/cli/prefork.ts';
import type { Program } from '../src/cli/program.ts';
import { withOptions } from './man/command-options.ts';
import { configPage, type Edition } from './man/config-page.ts';
import { withFindingCodes } from './man/finding-codes.ts';
import { pluginApiPage } from './man/plugin-api-page.ts';
import { pluginsPage } from './man/plugins-page.ts';
import { escapeText } from './man/roff.ts';
import { withSources } from './man/sources.ts';

const folder = join(dirname(import.meta.dirname), 'man');

function edition(): Edition {
  const byHand = readFileSync(join(folder, 'qpsmtpd.8'), 'utf8');
  const date = /^\.TH QPSMTPD 8 "(\d{4}-\d\d-\d\d)"/m.exec(byHand)?.[1];
  if (date === undefined) throw new Error('man/qpsmtpd.8 has no .TH line with a date');
  return { version: packageJson.version, date };
}

/** Date and version of a page written by hand. */
function dated(page: string): string {
  const { version, date } = edition();
  return page.replace(/^(\.TH \S+ \d) "[^"]*" "[^"]*"/m, `$1 "${date}" "qpsmtpd ${escapeText(version)}"`);
}

async function pages(): Promise<ReadonlyMap<string, string>> {
  const load = async ([name, get]: [string, (typeof bundledPlugins)[string]]) =>
    [name, (await get()).default] as const;
  const plugins = await Promise.all(Object.entries(bundledPlugins).map(load));
  const files = plugins.flatMap(([plugin, definition]) =>
    Object.entries(definition.files ?? {}).map(([name, { kind, form, doc }]) => ({
      file: kind === 'map' ? `${name}.cdb` : name,
      plugin,
      form,
      doc,
    })),
  );
  const program: Program = { version: packageJson.version, bundled: bundledPlugins, api };
  const commands = { forkserver: forkserverCommand(program), prefork: preforkCommand(program) };
  const byHand = Object.entries(commands).map(([name, { args }]) => {
    const page = `qpsmtpd-${name}.8`;
    return [
      page,
      dated(withOptions(readFileSync(join(folder, page), 'utf8'), name, args as ArgsDef)),
    ] as const;
  });
  return withSources(
    dirname(folder),
    (sources) =>
      new Map([
        ['qpsmtpd.8', withFindingCodes(readFileSync(join(folder, 'qpsmtpd.8'), 'utf8'))],
        ...byHand,
        ['qpsmtpd-config.5', configPage(edition(), files)],
        ['qpsmtpd-plugins.5', pluginsPage(edition(), plugins, sources)],
        ['qpsmtpd-plugin-api.7', pluginApiPage(edition(), sources)],
      ]),
  );
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
