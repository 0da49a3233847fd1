// Writes the bill of materials of the executable: dist/qpsmtpd-VERSION-ARCH.cdx.json.
//   node scripts/sbom.ts [--arch x64|arm64] [--executable FILE] [--out DIR]

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOfMaterials, readLock } from './package/bill-of-materials.ts';
import { readRelease } from './package/release.ts';
import { readRequest, tellFaults } from './package/request.ts';

await tellFaults(() => {
  const { arch, executable, out, version } = readRequest(process.argv.slice(2));
  const release = readRelease(process.env, version);
  const file = join(out, `qpsmtpd-${release.version}-${arch}.cdx.json`);
  mkdirSync(out, { recursive: true });
  writeFileSync(file, billOfMaterials(release, readLock(), arch, executable));
  console.log(file);
});
