// What the subcommands are given by main.

import type { BundledPlugins } from '../engine/plugin-source.ts';

export interface Program {
  readonly version: string;
  readonly bundled: BundledPlugins;
  /** namespace object of src/api.ts: what plugins on disk import as 'qpsmtpd' */
  readonly api: object;
}
