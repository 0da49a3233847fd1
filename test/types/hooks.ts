// What must and must not compile in a plugin. tsc is the test: `npm run types`.

import {
  answer,
  declined,
  definePlugin,
  deny,
  disconnect,
  type HookMap,
  type HookName,
  type HookTable,
  listFile,
  ok,
  option,
} from 'qpsmtpd';

export const good = definePlugin({
  name: 'good',
  summary: 'uses every kind of hook',
  options: { limit: option.integer({ default: 4, doc: 'a number' }), name: option.text({ doc: 'a word' }) },
  positional: ['limit'],
  files: { badhelo: listFile({ form: 'NAME', doc: 'names', parse: (line) => line.length }) },
  setup({ options, files }) {
    const limit: number = options.limit;
    const name: string | undefined = options.name;
    return {
      rcpt: (at, recipient) => (at.transaction.sender.domain === recipient.domain ? ok(name) : declined),
      mail_pre: (_at, path) => answer(`<${path}>`),
      helo: async (at, host) => {
        const lengths: readonly number[] = await files.badhelo(at);
        return lengths.includes(host.length) ? disconnect(deny('no')) : declined;
      },
      disconnect: () => {},
      noop: [() => declined, () => (limit > 1 ? declined : deny())],
      connect: { first: () => declined },
      logging: { upTo: 'info', handler: () => {} },
    };
  },
});

export const bad = definePlugin({
  name: 'bad',
  summary: 'an option that is not there, and one of another type',
  options: { limit: option.integer({ default: 4, doc: 'a number' }) },
  // @ts-expect-error: no such option
  positional: ['limits'],
  setup({ options }) {
    // @ts-expect-error: a number is no string
    const wrong: string = options.limit;
    return { connect: () => deny(wrong) };
  },
});

export const carrying = definePlugin({
  name: 'carrying',
  summary: 'promises what the next hop has to keep',
  carries: ['SMTPUTF8', 'DSN'],
  setup: () => ({ queue: () => ok() }),
});

export const carryingTooMuch = definePlugin({
  name: 'carrying',
  summary: 'an extension of which the next hop knows nothing',
  // @ts-expect-error: it is no promise
  carries: ['PIPELINING'],
  setup: () => ({}),
});

export const tables: HookTable[] = [
  // @ts-expect-error: the note is misspelt
  { connect: (at) => (at.connection.notes.get('nauhgty') ? deny() : declined) },
  // @ts-expect-error: a handler that decides must return a verdict
  { mail: () => {} },
  // @ts-expect-error: the sender may be missing at DATA
  { data: (at) => (at.transaction.sender.domain === '' ? deny() : declined) },
  // @ts-expect-error: an asking hook gives a value
  { rcpt_pre: () => ok('x') },
  // @ts-expect-error: no such hook
  { recipient: () => declined },
];

// Every row of the map has its name in hook-names.ts.
export const rowsWithoutName: Exclude<keyof HookMap, HookName>[] = [] satisfies never[];
const noRow: never[] = rowsWithoutName;

export { noRow };
