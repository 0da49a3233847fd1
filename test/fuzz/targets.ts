// All that is fuzzed.

import { authTarget } from './auth.ts';
import { commandLineTarget } from './command-line.ts';
import { configTarget } from './config.ts';
import { dataTarget } from './data.ts';
import { dnsTarget } from './dns.ts';
import { esmtpTarget } from './esmtp.ts';
import { headerTarget } from './header.ts';
import { lineReaderTarget } from './line-reader.ts';
import { networkTarget } from './network.ts';
import { proxyTarget } from './proxy.ts';
import { proxyWireTarget } from './proxy-wire.ts';
import { replyTarget } from './reply.ts';
import { lmtpTarget, sessionTarget } from './session.ts';
import type { Target } from './support/target.ts';
import { tlsTarget } from './tls.ts';

export const targets: readonly Target[] = [
  commandLineTarget,
  replyTarget,
  lineReaderTarget,
  dataTarget,
  headerTarget,
  dnsTarget,
  networkTarget,
  configTarget,
  sessionTarget,
  lmtpTarget,
  tlsTarget,
  proxyTarget,
  proxyWireTarget,
  esmtpTarget,
  authTarget,
];
