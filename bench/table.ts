// Prints what was measured: for each metric a line per target with min, median, max, and the ratio of medians
// to the first target and to smtp-sink, the program that does nothing, when it takes part.

export interface Metric {
  readonly key: string;
  /** name with its unit, as printed */
  readonly title: string;
  readonly digits: number;
}

/** Values of one run by metric key. */
export type Sample = Readonly<Record<string, number>>;

export interface Series {
  readonly target: string;
  readonly samples: readonly Sample[];
  /** has nothing to offer for this workload */
  readonly skipped: boolean;
  /** why there is nothing, or less than was asked for */
  readonly failures: readonly string[];
}

const CEILING = 'smtp-sink';

export function renderTable(metrics: readonly Metric[], all: readonly Series[]): string {
  const series = all.filter((one) => !one.skipped);
  const bases = baseTargets(series);
  const head = ['', 'runs', 'min', 'median', 'max', ...bases.map((name) => `x ${name}`)];
  const rows = metrics.flatMap((metric) => [[metric.title], ...metricRows(metric, series, bases)]);
  const failures = series.flatMap(({ target, failures }) => failures.map((text) => `  ! ${target}: ${text}`));
  const skipped = all.filter((one) => one.skipped).map(({ target }) => `  - ${target} takes no part`);
  return [...align([head, ...rows]), ...skipped, ...failures].join('\n');
}

/** Middle value; the mean of the two middle ones when their number is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The smallest value that at least `share` (0 to 1) of the values do not exceed. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function baseTargets(series: readonly Series[]): readonly string[] {
  const names = series.map((one) => one.target);
  const first = names.slice(0, 1);
  return first[0] !== CEILING && names.includes(CEILING) ? [...first, CEILING] : first;
}

function metricRows(metric: Metric, series: readonly Series[], bases: readonly string[]) {
  const medianOf = (target: string) => median(valuesOf(metric, series, target));
  return series.map(({ target }) => {
    const values = valuesOf(metric, series, target);
    const middle = median(values);
    const figures = [Math.min(...values), middle, Math.max(...values)].map((n) => show(n, metric.digits));
    const ratios = bases.map((base) => show(middle / medianOf(base), 2));
    return [`  ${target}`, String(values.length), ...figures, ...ratios];
  });
}

function valuesOf(metric: Metric, series: readonly Series[], target: string): readonly number[] {
  const samples = series.find((one) => one.target === target)?.samples ?? [];
  return samples.map((sample) => sample[metric.key] ?? Number.NaN).filter((value) => !Number.isNaN(value));
}

function show(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
