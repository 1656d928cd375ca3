/** One figure of the page, measured more than once. */
export type Figure = { name: string; unit: string; values: readonly number[] };

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (Number.isInteger(middle)) return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return sorted[Math.floor(middle)] ?? Number.NaN;
}

export function line({ name, unit, values }: Figure): string {
  const digits = unit === '' ? 3 : unit === 'MB' ? 2 : 1;
  const shown = values.map((each) => each.toFixed(digits)).join(' ');
  const title = unit === '' ? name : `${name}, ${unit}`;
  return `${title.padEnd(52)} median ${median(values).toFixed(digits)}   (${shown})`;
}

/** Waits for a busy machine; not a measure. */
export const patientMs = 240_000;

/** Benchmarks are compiled elsewhere, so the page is named as seen from the project. */
export const pageFolder = 'web/dist';
