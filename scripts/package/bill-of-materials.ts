// What the executable is made of, in the form of CycloneDX 1.6: our own version, Node, and the npm packages of
// package-lock.json that are not for development alone. Nothing in it differs from one run to the next.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Release, root } from './release.ts';

export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export type Lock = Readonly<Record<string, LockedPackage>>;

export interface Part {
  readonly name: string;
  readonly locked: LockedPackage;
}

export function readLock(): Lock {
  const { packages }: { packages: Lock } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return packages;
}

/** The npm packages in the executable. Optional ones are the Node for one kind of machine or another. */
export function partsOf(lock: Lock): Part[] {
  return Object.entries(lock)
    .filter(([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true)
    .map(([path, locked]) => ({ name: path.replace(/^.*node_modules\//, ''), locked }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param arch in Node's words: x64, arm64 */
export function nodeVersion(lock: Lock, arch: string): string {
  return lock[`node_modules/node-linux-${arch}`]?.version ?? '';
}

const purlOf = (name: string, version: string) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** npm's "sha512-…" in base 64 as CycloneDX writes it, in hexadecimal digits. */
function hashesOf(integrity: string | undefined): { alg: string; content: string }[] {
  const [, digest] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? [];
  if (digest === undefined) return [];
  return [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }];
}

function componentOf({ name, locked }: Part) {
  const { version = '', license, integrity } = locked;
  const purl = purlOf(name, version);
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    purl,
    hashes: hashesOf(integrity),
  };
}

/** A UUID of version 8 from a text: the same text gives the same one. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`];
  return [...parts, hex.slice(20, 32)].join('-');
}

/** @param executable its bytes are named by their digest */
export function billOfMaterials(release: Release, lock: Lock, arch: string, executable: string): string {
  const parts = partsOf(lock);
  const node = nodeVersion(lock, arch);
  const self = purlOf('qpsmtpd', release.version);
  const nodeRef = `pkg:generic/node@${node}?arch=${arch}`;
  const digest = createHash('sha256').update(readFileSync(executable)).digest('hex');
  const refs = new Map(parts.map(({ name, locked }) => [name, purlOf(name, locked.version ?? '')]));
  const needed = (names: Readonly<Record<string, string>> = {}) =>
    Object.keys(names).flatMap((name) => refs.get(name) ?? []);
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(`${self} ${arch} ${digest}`)}`,
    version: 1,
    metadata: {
      timestamp: new Date(release.date * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': self,
        name: 'qpsmtpd',
        version: release.version,
        licenses: [{ license: { id: 'MIT' } }],
        purl: self,
        hashes: [{ alg: 'SHA-256', content: digest }],
      },
    },
    components: [
      {
        type: 'platform',
        'bom-ref': nodeRef,
        name: 'node',
        version: node,
        licenses: [{ license: { id: 'MIT' } }],
        purl: nodeRef,
        hashes: hashesOf(lock[`node_modules/node-linux-${arch}`]?.integrity),
      },
      ...parts.map(componentOf),
    ],
    dependencies: [
      { ref: self, dependsOn: [nodeRef, ...needed(lock['']?.dependencies)] },
      { ref: nodeRef, dependsOn: [] },
      ...parts.map(({ name, locked }) => ({
        ref: refs.get(name) ?? name,
        dependsOn: needed(locked.dependencies),
      })),
    ],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}
