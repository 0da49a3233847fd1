// Configuration folders for the tests of this folder, on the real disk and removed afterwards.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { ConfigDirs } from '../../src/config/config-dir.ts';
import { ConfigStore } from '../../src/config/config-store.ts';
import type { Finding } from '../../src/config/errors.ts';

export class TempConfig {
  readonly root: string;
  readonly dirs: ConfigDirs;
  readonly findings: Finding[] = [];
  readonly clock = { time: 0, monotonic: () => this.clock.time };

  constructor(t: TestContext, folders: readonly string[] = ['config']) {
    this.root = mkdtempSync(join(tmpdir(), 'qpsmtpd-config-'));
    t.after(() => rmSync(this.root, { recursive: true, force: true }));
    for (const folder of folders) mkdirSync(this.path(folder));
    this.dirs = new ConfigDirs(folders.map((folder) => this.path(folder)));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** @param name from the root, such as `config/me` */
  write(name: string, content: string | Buffer): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  store(overrides: Partial<Record<string, string>> = {}): ConfigStore {
    return new ConfigStore({
      dirs: this.dirs,
      clock: this.clock,
      report: (finding) => this.findings.push(finding),
      hostname: 'host.example',
      home: '/home/smtpd',
      overrides,
    });
  }

  /** Moves the clock on to where the store looks at the disk again. */
  later(): void {
    this.clock.time += 1001;
  }

  /** What was reported since the last call. */
  codes(): string[] {
    return this.findings.splice(0).map(({ severity, code }) => `${severity} ${code}`);
  }
}
