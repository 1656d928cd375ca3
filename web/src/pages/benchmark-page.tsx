import { useState } from 'react';
import {
  type BenchmarkBody,
  compareBenchmarks,
  type DifferenceBody,
  fetchBenchmarks,
  fetchReport,
  startBenchmark,
  stopBenchmark,
} from '../api/administration.ts';
import { saveFile } from '../history/save-file.ts';
import { Markdown } from '../markdown/markdown.tsx';
import { browserLanguage } from '../text/use-texts.ts';
import { durationText, Page, Section, Table, Trouble, useAction } from './page-parts.tsx';
import { pageTexts as texts } from './page-texts.ts';
import { usePolled } from './use-polled.ts';

const lookMs = 2000;
const suites = ['scenarios', 'load', 'sustained', 'quality'];

export default function BenchmarkPage({ hasCloud }: { hasCloud: boolean }) {
  const runs = usePolled(fetchBenchmarks, lookMs);
  const [report, setReport] = useState<{ id: string; text: string }>();
  const all = runs.value ?? [];
  const running = all.find(({ state }) => state === 'running');
  return (
    <Page title={texts.benchmark}>
      <Section title={texts.measure} note={texts.measureNote}>
        <StartForm hasCloud={hasCloud} running={running} onChange={runs.refresh} />
        <Trouble error={runs.error} />
      </Section>
      <Section title={texts.reports}>
        {runs.value !== undefined && all.length === 0 && <p className="section-note">{texts.noReports}</p>}
        <ul className="cards wide">
          {all.map((run) => (
            <RunCard key={run.id} run={run} onOpen={(text) => setReport({ id: run.id, text })} />
          ))}
        </ul>
      </Section>
      {report !== undefined && (
        <Section title={texts.reportOf(report.id)}>
          <button type="button" onClick={() => setReport(undefined)}>
            {texts.closeReport}
          </button>
          <div className="report" tabIndex={0} role="group" aria-label={texts.reportOf(report.id)}>
            <Markdown key={report.id} text={report.text} isComplete />
          </div>
        </Section>
      )}
      {all.filter(({ has_report: has }) => has).length > 1 && (
        <Section title={texts.compare} note={texts.compareNote}>
          <Compare runs={all.filter(({ has_report: has }) => has)} />
        </Section>
      )}
    </Page>
  );
}

type StartProps = { hasCloud: boolean; running: BenchmarkBody | undefined; onChange: () => void };

function StartForm({ hasCloud, running, onChange }: StartProps) {
  const action = useAction();
  const [chosen, setChosen] = useState<readonly string[]>(['scenarios']);
  const [quick, setQuick] = useState(true);
  const [cloud, setCloud] = useState(false);
  const act = (work: () => Promise<unknown>): void =>
    void action.run(async () => {
      await work();
      onChange();
    });
  if (running !== undefined) {
    return (
      <div role="status">
        <p>
          {texts.runningFor(durationText(running.elapsed_ms))} {running.message}
        </p>
        <progress aria-label={texts.runState['running']} />
        <button type="button" disabled={action.isBusy} onClick={() => act(stopBenchmark)}>
          {texts.stop}
        </button>
        <Trouble error={action.error} />
      </div>
    );
  }
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        act(() => startBenchmark({ quick, suites: chosen, targets: cloud ? ['edge', 'cloud'] : ['edge'] }));
      }}
    >
      <fieldset>
        <legend>{texts.suites}</legend>
        {suites.map((suite) => (
          <label key={suite} className="line">
            <input
              type="checkbox"
              checked={chosen.includes(suite)}
              onChange={({ target }) =>
                setChosen(suites.filter((each) => (each === suite ? target.checked : chosen.includes(each))))
              }
            />
            {texts.suiteNames[suite] ?? suite}
          </label>
        ))}
      </fieldset>
      <label className="line">
        <input type="checkbox" checked={quick} onChange={({ target }) => setQuick(target.checked)} />
        {texts.quick}
      </label>
      {hasCloud && (
        <label className="line">
          <input type="checkbox" checked={cloud} onChange={({ target }) => setCloud(target.checked)} />
          {texts.alsoCloud}
        </label>
      )}
      <button type="submit" className="primary" disabled={action.isBusy || chosen.length === 0}>
        {texts.start}
      </button>
      <Trouble error={action.error} />
    </form>
  );
}

function RunCard({ run, onOpen }: { run: BenchmarkBody; onOpen: (text: string) => void }) {
  const action = useAction();
  return (
    <li className="card">
      <div className="card-head">
        <strong>{new Date(run.started_at).toLocaleString()}</strong>
        <span className={`state state-${run.state}`}>{texts.runState[run.state] ?? run.state}</span>
      </div>
      <p>
        {run.suites.map((suite) => texts.suiteNames[suite] ?? suite).join(', ')} · {run.targets.join(', ')} ·{' '}
        {durationText(run.elapsed_ms)}
      </p>
      {run.message !== '' && <p className="section-note">{run.message}</p>}
      {run.has_report && (
        <div className="card-foot">
          <button
            type="button"
            disabled={action.isBusy}
            onClick={() =>
              void action.run(async () => onOpen(await fetchReport(run.id, 'markdown', browserLanguage())))
            }
          >
            {texts.open}
          </button>
          <button
            type="button"
            disabled={action.isBusy}
            onClick={() =>
              void action.run(async () =>
                saveFile(`duanyun-${run.id}.html`, 'text/html', await fetchReport(run.id, 'html', browserLanguage())),
              )
            }
          >
            {texts.saveHtml}
          </button>
        </div>
      )}
      <Trouble error={action.error} />
    </li>
  );
}

function Compare({ runs }: { runs: readonly BenchmarkBody[] }) {
  const action = useAction();
  const [first, setFirst] = useState(runs[1]?.id ?? '');
  const [second, setSecond] = useState(runs[0]?.id ?? '');
  const [found, setFound] = useState<readonly DifferenceBody[]>();
  const select = (label: string, value: string, set: (id: string) => void) => (
    <label>
      {label}
      <select value={value} onChange={(event) => set(event.target.value)}>
        {runs.map(({ id, started_at: at }) => (
          <option key={id} value={id}>
            {new Date(at).toLocaleString()}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        setFound(undefined);
        void action.run(async () => setFound(await compareBenchmarks(first, second)));
      }}
    >
      {select(texts.firstRun, first, setFirst)}
      {select(texts.secondRun, second, setSecond)}
      <button type="submit" className="primary" disabled={action.isBusy}>
        {texts.compareDo}
      </button>
      <Trouble error={action.error} />
      {found !== undefined && (
        <Table label={texts.compare} head={texts.compareHead} rows={found.map(rowOf)} empty={texts.nothingShared} />
      )}
    </form>
  );
}

function rowOf(each: DifferenceBody): string[] {
  const shown = (value: number): string => (each.is_share ? `${(100 * value).toFixed(1)} %` : value.toFixed(1));
  const sign = each.change > 0 ? '+' : '';
  return [
    each.target,
    each.group === '' ? texts.allRequests : each.group,
    each.figure,
    shown(each.values[0]),
    shown(each.values[1]),
    `${sign}${(100 * each.change).toFixed(1)} ${each.is_share ? texts.points : '%'}`,
    each.p.toFixed(3),
    texts.verdicts[each.verdict] ?? each.verdict,
  ];
}
