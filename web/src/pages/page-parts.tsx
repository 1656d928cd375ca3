/** What the pages beside the chat have in common. */
import { type ReactNode, useState } from 'react';
import { ApiError } from '../api/api-error.ts';
import { useTexts } from '../text/use-texts.ts';
import '../style/pages.css';

export function Page({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="page" tabIndex={0} role="region" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Section({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  return (
    <section className="section" aria-label={title}>
      <h3>{title}</h3>
      {note !== undefined && <p className="section-note">{note}</p>}
      {children}
    </section>
  );
}

export function Trouble({ error }: { error: unknown }) {
  const texts = useTexts();
  if (error === undefined) return null;
  const { code, message } = error instanceof ApiError ? error : { code: 'not_understood', message: '' };
  // The dialog that asks for the key says it.
  if (code === 'unauthorized') return null;
  return (
    <p className="trouble" role="alert">
      {message === '' ? (texts.failures[code] ?? code) : message} <small>({code})</small>
    </p>
  );
}

export type Action = {
  isBusy: boolean;
  error: unknown;
  run: (work: () => Promise<unknown>) => Promise<void>;
};

/** One action at a time, with what went wrong with the last one. */
export function useAction(): Action {
  const [state, setState] = useState<{ isBusy: boolean; error: unknown }>({ isBusy: false, error: undefined });
  const run = async (work: () => Promise<unknown>): Promise<void> => {
    setState({ isBusy: true, error: undefined });
    try {
      await work();
      setState({ isBusy: false, error: undefined });
    } catch (error) {
      setState({ isBusy: false, error });
    }
  };
  return { ...state, run };
}

type TableProps = { label: string; head: readonly string[]; rows: readonly (readonly ReactNode[])[]; empty: string };

/** Scrolls sideways by itself where it is wider than the screen. */
export function Table({ label, head, rows, empty }: TableProps) {
  if (rows.length === 0) return <p className="section-note">{empty}</p>;
  return (
    <div className="table-place" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((each, index) => (
              <th key={index} scope="col">
                {each === '' ? <span className="visually-hidden">{label}</span> : each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, index) => (
            <tr key={index}>
              {cells.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Counts as bars; the number stands beside each. */
export function Bars({
  label,
  counts,
  nameOf,
}: {
  label: string;
  counts: ReadonlyMap<string, number>;
  nameOf: (key: string) => string;
}) {
  const most = Math.max(1, ...counts.values());
  return (
    <figure className="bars">
      <figcaption>{label}</figcaption>
      <dl>
        {[...counts].map(([key, count]) => (
          <div key={key}>
            <dt>{nameOf(key)}</dt>
            <dd>
              <span className="bar" style={{ inlineSize: `${Math.round((70 * count) / most)}%` }} /> {count}
            </dd>
          </div>
        ))}
      </dl>
    </figure>
  );
}

const units = ['B', 'KB', 'MB', 'GB'];
export function bytesText(bytes: number): string {
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${value.toFixed(value < 10 && step > 0 ? 1 : 0)} ${units[step] ?? ''}`;
}

export function durationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`;
}
