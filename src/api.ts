// What `from 'qpsmtpd'` means to a plugin. Re-exports only, so that it can never pull in the server.

export * from './contract/address-entry.ts';
export * from './contract/at.ts';
export type { Checkup } from './contract/checkup.ts';
export * from './contract/codes.ts';
export * from './contract/connection.ts';
export type { AskOptions, DnsAnswer, MxRecord, Resolver } from './contract/dns.ts';
export * from './contract/hooks.ts';
export { formatLogLine } from './contract/log-line.ts';
export * from './contract/login.ts';
export * from './contract/options.ts';
export * from './contract/pattern.ts';
export * from './contract/plugin.ts';
export { needsSmtpUtf8 } from './contract/smtputf8.ts';
export * from './contract/tls.ts';
export * from './contract/verdict.ts';
export * from './contract/when-ready.ts';
export { type DurableFiles, durableFiles, errorCode } from './files/durable-files.ts';
export { type NewFile, quietly, writeDurably } from './files/durable-write.ts';
export { FolderSync } from './files/folder-sync.ts';
export { inTurns } from './files/in-turns.ts';
export { GivenUp, WriteError } from './files/write-error.ts';
export {
  type ClientSettings,
  type Handover,
  NotSentError,
  type OutgoingMessage,
  type OutgoingRecipient,
  type ServerLogin,
} from './net/outgoing-message.ts';
export { isForGood, isForNow, isPositive, type ServerReply, showReply } from './net/server-reply.ts';
export { type PoolLimits, SmtpPool } from './net/smtp-pool.ts';
export { Address, isDomainOrLiteral } from './protocol/address.ts';
export type { EsmtpParams, ParsedPath } from './protocol/command-line.ts';
export { type EnhancedStatus, namedStatus, type StatusName } from './protocol/enhanced-status.ts';
export { type Field, Header } from './protocol/header.ts';
export { type Network, NetworkList, parseNetwork } from './protocol/network.ts';
export type { PasswordHash } from './protocol/password/password-hash.ts';
export {
  parsePasswordHash,
  parseStoredPassword,
  type StoredPassword,
  storedPasswordWarning,
} from './protocol/password/stored-password.ts';
export { printable, type Reply } from './protocol/reply.ts';
export { SCRAM_ITERATIONS, scramSecretOf, scramSecretOfSalted } from './protocol/scram-secret.ts';
export { decodeXtext, encodeXtext } from './protocol/xtext.ts';
export { SpoolQueue, type SpoolSettings, type SpoolWorld } from './spool/spool-queue.ts';
