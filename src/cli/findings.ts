// Mistakes in the configuration as an operator reads them: place, sentence, hint; and the exit code.

import { styleText } from 'node:util';
import { type ConsolaInstance, createConsola, type LogType } from 'consola/basic';
import { type Finding, showWhere, withoutControls } from '../config/errors.ts';

export function printFindings(findings: readonly Finding[], out: ConsolaInstance = terminal()): void {
  for (const finding of findings) {
    const text = findingText(finding);
    if (finding.severity === 'error') out.error(text);
    else if (finding.severity === 'warning') out.warn(text);
    else out.info(text);
  }
}

/** Names of files, too, may hold what a terminal obeys. */
export function findingText({ where, text, hint }: Finding): string {
  const place = where === null ? '' : `${showWhere(where)}: `;
  return withoutControls(`${place}${text}${hint === null ? '' : ` (${hint})`}`);
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}

export function hasWarnings(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'warning');
}

/** Standard error for people: `error: sentence`, with colour where it is a terminal. */
export function terminal(): ConsolaInstance {
  const coloured = process.stderr.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  const show = (type: LogType) => (coloured ? styleText(colours[type] ?? 'cyan', type) : type);
  return createConsola({
    stdout: process.stderr,
    stderr: process.stderr,
    reporters: [{ log: ({ type, args }) => void process.stderr.write(`${show(type)}: ${args.join(' ')}\n`) }],
  });
}

const colours: Readonly<Partial<Record<LogType, 'red' | 'yellow' | 'green'>>> = {
  error: 'red',
  warn: 'yellow',
  success: 'green',
};
