// qpsmtpd-plugins(5): the lines of config/plugins, what every line may say, the hooks, and every bundled plugin
// from its own definition.

import type { Option, OptionSchema, Plugin } from 'qpsmtpd';
import { hookFacts } from 'qpsmtpd';
import { commonOptions } from '../../src/engine/plugin-words.ts';
import type { Edition } from './config-page.ts';
import { differences, isCompared } from './differences.ts';
import type { NoteUse, PluginUse } from './plugin-use.ts';
import {
  bold,
  example,
  italic,
  item,
  opening,
  page,
  paragraph,
  type Roff,
  roff,
  section,
  sentence,
  subsection,
  title,
} from './roff.ts';
import type { Sources } from './sources.ts';

type NamedPlugin = readonly [name: string, plugin: Plugin];

const EXAMPLE = /^(Examples?), in (\S+):(?: (.+))?$/;

/**
 * The paragraphs of a plugin's docs. Lines behind "Example, in FILE:" stay as they are; "Examples, in FILE:" is
 * followed by paragraphs of one line each, all of which begin with the name of the plugin. So do paragraphs all of whose
 * lines are indented by two blanks.
 */
function docs(name: string, text: string): string[] {
  const parts: string[] = [];
  let lines: string[] | null = null;
  const showLines = () => {
    if (lines !== null) parts.push(example(lines));
    lines = null;
  };
  for (const block of text.split(/\n{2,}/)) {
    const joined = block.replaceAll('\n', ' ').trim();
    if (/^(?: {2}.*(?:\n|$))+$/.test(block)) {
      showLines();
      parts.push(example(block.split('\n').map((line) => line.slice(2))));
      continue;
    }
    if (lines !== null && joined.split(' ', 1)[0] === name) {
      lines.push(joined);
      continue;
    }
    showLines();
    const [, word, file, line] = EXAMPLE.exec(joined) ?? [];
    if (word === undefined || file === undefined) {
      parts.push(paragraph(joined));
    } else {
      parts.push(paragraph(roff`${word}, in ${bold(file)}:`));
      lines = line === undefined ? [] : [line];
    }
  }
  showLines();
  return parts;
}

function optionItem(name: string, spec: Option<unknown>): string {
  const notes = spec.required
    ? 'Required.'
    : spec.shownDefault === ''
      ? ''
      : `Default: ${spec.shownDefault}.`;
  return item(roff`${bold(name)} ${italic(spec.form)}`, `${sentence(spec.doc)} ${notes}`.trim());
}

function optionItems(options: OptionSchema): string[] {
  return Object.entries(options).map(([name, spec]) => optionItem(name, spec));
}

function positionalNote({ positional = [] }: Plugin): string[] {
  if (positional.length === 0) return [];
  const names = positional.join(', then ');
  return [paragraph(`Without the name of an option in front, a word is the value of ${names}.`)];
}

function orderNotes({ order = [] }: Plugin): string[] {
  return order.map(({ hook, after, before, last, otherwise }) => {
    const others = last === true ? [`all others with the hook ${hook}`] : (after ?? before ?? []);
    const [right, wrong] = before === undefined ? ['below', 'above'] : ['above', 'below'];
    return paragraph(`It has to stand ${right} ${others.join(', ')}. If it stands ${wrong}: ${otherwise}.`);
  });
}

function fileItems({ files = {} }: Plugin): string[] {
  return Object.entries(files).map(([name, { kind, form, doc }]) =>
    item(roff`${bold(kind === 'map' ? `${name}.cdb` : name)} ${italic(form)}`, sentence(doc)),
  );
}

/** What other plugins can see of it. */
function useItems(plugin: Plugin, { hooks, notes }: PluginUse): string[] {
  const named = (of: NoteUse['of'], does: 'sets' | 'reads') =>
    notes.filter((note) => note.of === of && note[does]).map(({ name }) => name);
  const groups = (['connection', 'transaction'] as const).flatMap((of) =>
    (['sets', 'reads'] as const).flatMap((does) => {
      const names = named(of, does);
      return names.length === 0 ? [] : [`${does} ${names.join(', ')} of the ${of}`];
    }),
  );
  const reject = plugin.options?.['reject']?.form === commonOptions.reject.form;
  const marks = reject ? ['sets naughty and naughty_reject_type of the connection with reject naughty'] : [];
  const all = [...groups, ...marks];
  return [
    ...(hooks.length === 0 ? [] : [paragraph(roff`Hooks: ${bold(hooks.join(', '))}.`)]),
    ...(all.length === 0 ? [] : [paragraph(`Notes: ${all.join('; ')}.`)]),
  ];
}

function differenceItems(name: string): string[] {
  const text = isCompared(name) ? differences[name] : null;
  return text === null ? [] : [paragraph(`Different from qpsmtpd in Perl: ${text}`)];
}

function pluginPart([name, plugin]: NamedPlugin, use: PluginUse): string[] {
  const options = optionItems(plugin.options ?? {});
  const files = fileItems(plugin);
  return [
    subsection(name),
    opening(sentence(plugin.summary)),
    ...docs(name, plugin.docs ?? ''),
    ...(plugin.extends === undefined ? [] : [paragraph(`All that ${plugin.extends} does, it does as well.`)]),
    ...(options.length === 0 ? [] : [paragraph('Options:'), ...options]),
    ...positionalNote(plugin),
    ...orderNotes(plugin),
    ...(files.length === 0 ? [] : [paragraph('Files:'), ...files]),
    ...useItems(plugin, use),
    ...differenceItems(name),
  ].filter((part) => part !== '.PP\n');
}

const kinds = {
  decide: 'The first handler that does not decline decides.',
  ask: 'The first handler that answers gives a value.',
  watch: 'All handlers run; nothing is returned.',
} as const;

function hookParts(): string[] {
  return (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((kind) => [
    paragraph(kinds[kind]),
    ...Object.entries(hookFacts)
      .filter(([, facts]) => facts.kind === kind)
      .map(([hook, facts]) => item(bold(hook), sentence(facts.doc))),
  ]);
}

const lines: readonly (string | Roff)[] = [
  roff`The file ${bold('plugins')} has a line for each plugin: its name, then its options. The order of the lines is the
    order in which plugins are asked. The file ${bold('logging')} has the same form; its plugins are loaded first.`,
  roff`The name is the path of the plugin, without the ending of a file, below one of the folders in
    ${bold('plugin_dirs')}; after them come the plugins that are described here. To load one a second time, put a colon and a
    number behind its name: ${bold('badmailfrom:1')}. Each load has its own options and its own state.`,
  roff`An option is ${italic('KEY VALUE')} or ${italic('KEY=VALUE')}. Some plugins take words without a key, in a fixed order.
    A word in double quotes may hold blanks. A word that the plugin does not know is an error, and the server does
    not start.`,
];

const faults: readonly string[] = [
  `A handler that throws, or that does not answer in time, has failed: on_error says what that means. Without
    it a failure is as if the plugin were not there, except for the plugins of queue/, where the client is told to come
    back. How long it may take is said by hook_timeout on its line, else by the file hook_timeout; handlers of the hook
    queue whose line says nothing have at least 600 seconds.`,
  `The words reject and reject_type work for every plugin, also for one that does not list them: its refusals then
    become what the line says.`,
];

export function pluginsPage(
  { version, date }: Edition,
  plugins: readonly NamedPlugin[],
  sources: Sources,
): string {
  return page(
    title('qpsmtpd-plugins', 5, date, version),
    section('Name'),
    'qpsmtpd\\-plugins \\- plugins of the SMTP daemon qpsmtpd',
    section('Description'),
    opening(
      roff`${bold('qpsmtpd')}(8) speaks SMTP and leaves every decision to plugins: whom to serve, which recipients to take,
        where to put a message. Without plugins it takes no mail.`,
    ),
    section('Lines'),
    opening(lines[0] ?? ''),
    lines.slice(1).map(paragraph),
    section('Words that every line may have'),
    opening('Where a plugin has an option of the same name, that one counts.'),
    optionItems(commonOptions),
    faults.map(paragraph),
    section('Plugins'),
    plugins.flatMap((plugin) => pluginPart(plugin, sources.use(plugin[0]))),
    section('Hooks'),
    opening(
      roff`Plugins have handlers for these points of a conversation; ${bold('qpsmtpd-plugin-api')}(7) says what each is given.`,
    ),
    hookParts(),
    section('See also'),
    opening(roff`${bold('qpsmtpd')}(8), ${bold('qpsmtpd-config')}(5), ${bold('qpsmtpd-plugin-api')}(7)`),
  );
}
