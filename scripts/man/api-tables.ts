// Tables of qpsmtpd-plugin-api(7), each from the code that it describes: hooks with what they are given and answered,
// verdicts, members of what handlers are given, and everything else that 'qpsmtpd' exports.

import { type Code, type HookName, hookFacts } from 'qpsmtpd';
import { type AnsweredHook, answers } from '../../src/session/answers.ts';
import { bold, italic, item, type Roff, roff, sentence } from './roff.ts';
import type { Member, Sources } from './sources.ts';

const scopes: Readonly<Record<string, string>> = {
  process: 'AtProcess',
  anywhere: 'AtAnywhere',
  session: 'AtSession',
  envelope: 'AtEnvelope',
};

const codes: readonly Exclude<Code, 'DONE'>[] = [
  'OK',
  'DECLINED',
  'DENY',
  'DENYSOFT',
  'DENY_DISCONNECT',
  'DENYSOFT_DISCONNECT',
];

function isAnswered(hook: HookName): hook is AnsweredHook {
  return Object.hasOwn(answers, hook);
}

/** Reply code and enhanced status of each verdict; equal ones stand together. */
function repliesOf(hook: AnsweredHook): string {
  const groups = new Map<string, string[]>();
  for (const code of codes) {
    const [reply, status] = answers[hook][code];
    const shown = status === null ? String(reply) : `${reply} ${status}`;
    groups.set(shown, [...(groups.get(shown) ?? []), code]);
  }
  return [...groups].map(([reply, names]) => `${names.join(', ')}: ${reply}`).join('; ');
}

function hookItem(hook: HookName, sources: Sources): string {
  const { kind, doc } = hookFacts[hook];
  const types = sources.hooks.get(hook);
  if (types === undefined) throw new Error(`HookMap has no ${hook}`);
  const scope = scopes[types.scope];
  if (scope === undefined) throw new Error(`${types.scope} is no scope that the manual knows`);
  const args = [`at: ${scope}`, ...(types.args === '' ? [] : [types.args])].join(', ');
  const kindText = kind === 'ask' ? roff`Ask; the answer is a ${italic(types.value ?? '')}.` : sentence(kind);
  const replies = isAnswered(hook) ? [`Replies: ${repliesOf(hook)}.`] : [];
  return item(roff`${bold(hook)}(${args})`, roff`${sentence(doc)} ${kindText}`, ...replies);
}

export const hookTable = (sources: Sources): string[] =>
  (Object.keys(hookFacts) as HookName[]).map((hook) => hookItem(hook, sources));

/** @param prefix what stands before the name where it is used: `at.` */
export function memberTable(members: readonly Member[], prefix = ''): string[] {
  return members.map(({ name, form, doc }) => {
    const shown = /^[\w$.]+$/.test(name) ? name : `'${name}'`;
    return item(roff`${bold(`${prefix}${shown}`)}${readable(form)}`, doc === '' ? '' : sentence(doc));
  });
}

/** Without what only the compiler wants to know. */
function readable(form: string): Roff {
  return roff`${form.replace(/^<const [^(]*>(?=\()/, '')}`;
}

/** The rest of what can be imported: name and first sentence. Types that nothing is said of are in the list below it. */
export function otherExports(sources: Sources, told: ReadonlySet<string>): string[] {
  const others = sources.exports.filter(({ name }) => !told.has(name));
  const said = others.filter(({ doc }) => doc !== '');
  const silent = others.filter(({ doc }) => doc === '').map(({ name }) => name);
  return [
    ...said.map(({ name, doc }) => item(bold(name), firstSentence(doc))),
    item(roff`and`, `${silent.join(', ')}.`),
  ];
}

function firstSentence(doc: string): string {
  const flat = doc.replace(/\s+/g, ' ').trim();
  return sentence(/^.*?(?<![A-Z]|e\.g)\.(?= [A-Z])/.exec(flat)?.[0] ?? flat);
}
