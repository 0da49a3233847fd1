// Whether the server's user can use what the configuration names, and nobody else more of it than he should: the
// configuration itself, config files with passwords, spool_dir. What plugins use, they say themselves (plugin-checks).

import { dirname } from 'node:path';
import type { Finding, Where } from '../../config/errors.ts';
import { knownFileNames } from '../../config/known-files.ts';
import { readLines } from '../../config/readings.ts';
import { hasPerms } from '../../message/spool.ts';
import type { Check, CheckContext } from './context.ts';
import { isOpenToAnybody, mayDo, octal, statOf, WRITE } from './file-rights.ts';
import { findingsOfReading, findingsOfSecret, findingsOfWriting, nameOf } from './rights-findings.ts';

export const permissions: Check = (context) => [
  ...ofConfiguration(context),
  ...ofSecretLists(context),
  ...ofSpool(context),
];

function ofConfiguration(context: CheckContext): Finding[] {
  const { store, user } = context;
  const files = configFiles(context);
  const secrets = new Set(secretFiles(context));
  // What this process cannot read either is an error of the reading already.
  const unreadable = files
    .filter((file) => !secrets.has(file))
    .flatMap((file) => findingsOfReading(file, user, { file }));
  const folders = [...new Set([...store.dirs.all, ...files.map((file) => dirname(file))])];
  const places = [...folders, ...files];
  return [...unreadable, ...ofAnybody(places), ...ofServer(places, context)];
}

function ofAnybody(places: readonly string[]): Finding[] {
  return places
    .filter((file) => isOpenToAnybody(file, WRITE))
    .map((file) => ({
      severity: 'warning',
      code: 'OPEN_CONFIG',
      where: { file },
      text: `every user of this host may change the configuration here: the mode is ${octal(statOf(file)?.mode ?? 0)}`,
      hint: `chmod o-w ${file}`,
    }));
}

/** One finding for all of them: where it is so, it is so for most. */
function ofServer(places: readonly string[], { user }: CheckContext): Finding[] {
  if (!user.isOfItsOwn) return [];
  const open = places.filter((path) => {
    const stat = statOf(path);
    return stat !== null && !isOpenToAnybody(path, WRITE) && mayDo(user, WRITE, stat);
  });
  const [first] = open;
  if (first === undefined) return [];
  const others =
    open.length === 1 ? '' : `, and ${open.length - 1} more files and folders of the configuration`;
  const text = `${nameOf(user)}, as which the server runs, may change it${others}: so could whoever breaks into the server`;
  const hint = 'give them to root, and leave that user the right to read';
  return [{ severity: 'warning', code: 'CONFIG_OF_SERVER', where: { file: first }, text, hint }];
}

function ofSecretLists(context: CheckContext): Finding[] {
  return secretFiles(context).flatMap((file) => findingsOfSecret(file, context.user, { file }));
}

function ofSpool({ store, user }: CheckContext): Finding[] {
  const dir = store.value('spool_dir');
  const perms = store.value('spool_perms');
  const where = placeOf(store.lines('spool_dir'));
  const found = findingsOfWriting(dir, user, where).map((one) => ({
    ...one,
    text: `spool_dir: ${one.text}`,
  }));
  const stat = statOf(dir);
  if (stat === null || found.length > 0) return found;
  if (stat.uid !== user.uid && user.isOfItsOwn) {
    const text = `spool_dir ${dir} belongs to the user with the number ${stat.uid}, not to ${nameOf(user)}, as which the server runs`;
    return [{ severity: 'warning', code: 'SPOOL_OWNER', where, text, hint: `chown ${user.name} ${dir}` }];
  }
  if (hasPerms(stat.mode, perms)) return found;
  const text = `the mode of spool_dir ${dir} is ${octal(stat.mode)}, and spool_perms says ${octal(perms)}`;
  return [{ severity: 'warning', code: 'SPOOL_MODE', where, text, hint: `chmod ${octal(perms)} ${dir}` }];
}

function placeOf(lines: readonly { readonly where: Where }[] | null): Where | null {
  return lines?.[0]?.where ?? null;
}

/** All files that core and plugins read, those that they include too. */
function configFiles(context: CheckContext): readonly string[] {
  const names = [...knownFileNames, ...declared(context).map(([name]) => name)];
  return filesOf(context, names);
}

function secretFiles(context: CheckContext): readonly string[] {
  const secret = declared(context).filter(([, file]) => file.kind === 'list' && file.secret === true);
  return filesOf(
    context,
    secret.map(([name]) => name),
  );
}

function declared({ engine }: CheckContext) {
  return engine.lines.flatMap(({ plugins }) =>
    plugins.flatMap(({ plugin }) => Object.entries(plugin.files ?? {})),
  );
}

function filesOf({ store }: CheckContext, names: readonly string[]): readonly string[] {
  const paths = [...new Set(names)].flatMap((name) => {
    const plain = readLines(name, store.dirs).sources;
    const map = store.dirs.locate(`${name}.cdb`);
    return [
      ...plain.filter(({ stamp }) => stamp !== null).map(({ path }) => path),
      ...(map === null ? [] : [map]),
    ];
  });
  return [...new Set(paths)].filter((path) => statOf(path)?.isFile() === true);
}
