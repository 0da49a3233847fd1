// Mistakes in the configuration as an operator reads them: place, sentence, hint; and the exit code.

import { styleText } from 'node:util';
import { type ConsolaInstance, createConsola, type LogType } from 'consola/basic';
import { type Finding, showWhere } from '../config/errors.ts';

export function printFindings(findings: readonly Finding[], out: ConsolaInstance = terminal()): void {
  for (const finding of findings) {
    const text = findingText(finding);
    if (finding.severity === 'error') out.error(text);
    else out.warn(text);
  }
}

export function findingText({ where, text, hint }: Finding): string {
  const place = where === null ? '' : `${showWhere(where)}: `;
  return `${place}${text}${hint === null ? '' : ` (${hint})`}`;
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
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
