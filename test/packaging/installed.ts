// The packages as an administrator meets them: installed into a Debian, answered, started by the init script and by a
// real systemd, mailed to, upgraded, taken over from Debian's qpsmtpd 0.94-5, and purged; and as lintian and rpmlint see
// them. Run by "npm run test:packages" as root, after "npm run build". It fetches small Debians the first time, which
// takes ten minutes, and takes eight then.
// Each of the files can be run alone.

import './installed/lint.ts';
import './installed/life.ts';
import './installed/queues.ts';
import './installed/from-perl.ts';
import './installed/from-perl-log.ts';
import './installed/supervise.ts';
import './installed/surroundings.ts';
import './installed/rpm.ts';
import './installed/arm64.ts';
