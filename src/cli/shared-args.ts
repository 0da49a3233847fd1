// Options that several subcommands have.

import type { ArgsDef } from 'citty';

export const configArgs = {
  config: {
    type: 'string',
    valueHint: 'DIR',
    description: 'folder with configuration files; may be repeated, the first that has a file counts',
  },
} satisfies ArgsDef;
