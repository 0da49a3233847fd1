// Roots with Debian's qpsmtpd 0.94-5, answered, and the package laid beside it.

import type { DebianRoot } from '../debian-root.ts';
import { type Ending, type Packages, rootWith } from './support.ts';

const perlNeeds = ['libnet-ip-perl', 'ca-certificates'];

export const perlAnswers =
  'swaks --server 127.0.0.1 --from you@example.com --to me@example.org --quit-after RCPT --silent 3; echo "Perl: $?"';

/** Debian's, with these answers given. */
export function rootWithPerl(t: Ending, packages: Packages, given: string, ...more: string[]): DebianRoot {
  const root = rootWith(t, ...more, ...perlNeeds, 'qpsmtpd=0.94-5');
  root.run(`${given}\ninside dpkg-reconfigure qpsmtpd`);
  packages.put(root);
  return root;
}
