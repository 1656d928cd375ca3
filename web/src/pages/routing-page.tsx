import { useCallback, useEffect, useMemo, useState } from 'react';
import { isRecord } from '../api/api-error.ts';
import {
  checkPolicy,
  explain,
  fetchPolicyText,
  fetchReceipts,
  fetchStatistics,
  type ReceiptBody,
} from '../api/administration.ts';
import { preferences } from '../api/ask.ts';
import { ReceiptDialog } from '../route/receipt-dialog.tsx';
import { reasonText, useTexts } from '../text/use-texts.ts';
import { Bars, durationText, Page, Section, Table, Trouble, useAction } from './page-parts.tsx';
import { pageTexts as texts } from './page-texts.ts';
import { usePolled } from './use-polled.ts';

const receiptMs = 5000;
const rowsShown = 50;
/** Upper bounds of the bars, milliseconds. */
const bounds = [100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, Number.POSITIVE_INFINITY];

export default function RoutingPage() {
  const receipts = usePolled(fetchReceipts, receiptMs);
  const [open, setOpen] = useState<string>();
  const all = receipts.value ?? [];
  return (
    <Page title={texts.routing}>
      <Section title={texts.totals} note={texts.totalsNote(all.length)}>
        <Trouble error={receipts.error} />
        {all.length > 0 && <Totals receipts={all} />}
      </Section>
      <Section title={texts.receipts}>
        <Receipts receipts={all} onOpen={setOpen} />
      </Section>
      <Section title={texts.explain} note={texts.explainNote}>
        <ExplainBox />
      </Section>
      <Section title={texts.policy} note={texts.policyNote}>
        <PolicyBox />
      </Section>
      <Section title={texts.statistics}>
        <StatisticsBox />
      </Section>
      {open !== undefined && <ReceiptDialog id={open} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function Totals({ receipts }: { receipts: readonly ReceiptBody[] }) {
  const words = useTexts();
  const counts = useMemo(() => {
    const of = (keys: (receipt: ReceiptBody) => readonly string[]): Map<string, number> => countKeys(receipts, keys);
    return {
      target: of(({ target }) => [target ?? 'none']),
      reason: of(({ reasons }) => reasons),
      task: of(({ task }) => [task]),
    };
  }, [receipts]);
  const targets = ['device', 'cloud'].filter((target) => counts.target.has(target));
  const left = receipts.reduce((sum, { bytesLeft }) => sum + bytesLeft, 0);
  return (
    <>
      <p>{texts.bytesLeft(left)}</p>
      <div className="charts">
        <Bars label={texts.byTarget} counts={counts.target} nameOf={(key) => words.target[key] ?? texts.refused} />
        <Bars label={texts.byReason} counts={counts.reason} nameOf={(key) => reasonText(key, words)} />
        <Bars label={texts.byTask} counts={counts.task} nameOf={(key) => words.tasks[key] ?? key} />
        {targets.map((target) => (
          <Latencies key={target} target={target} receipts={receipts.filter((each) => each.target === target)} />
        ))}
      </div>
    </>
  );
}

function Latencies({ target, receipts }: { target: string; receipts: readonly ReceiptBody[] }) {
  const words = useTexts();
  const times = receipts.flatMap(({ timings }) => timings.firstTokenMs ?? []).toSorted((a, b) => a - b);
  if (times.length === 0) return null;
  const counts = new Map(bounds.map((bound): [string, number] => [String(bound), 0]));
  for (const time of times) {
    const bound = String(bounds.find((each) => time < each));
    counts.set(bound, (counts.get(bound) ?? 0) + 1);
  }
  const at = (share: number): string =>
    durationText(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0);
  const nameOf = (key: string): string =>
    key === 'Infinity' ? `≥ ${durationText(30_000)}` : `< ${durationText(Number(key))}`;
  return (
    <div>
      <Bars label={texts.firstTokens(words.target[target] ?? target)} counts={counts} nameOf={nameOf} />
      <p className="section-note">{texts.percentiles(at(0.5), at(0.95))}</p>
    </div>
  );
}

function Receipts({ receipts, onOpen }: { receipts: readonly ReceiptBody[]; onOpen: (id: string) => void }) {
  const words = useTexts();
  const rows = receipts.slice(0, rowsShown).map((receipt) => [
    <button key="open" type="button" className="plain" onClick={() => onOpen(receipt.id)}>
      {new Date(receipt.createdAt).toLocaleTimeString()}
    </button>,
    words.target[receipt.target ?? ''] ?? texts.refused,
    receipt.model ?? '',
    <span key="why" className="wide">
      {receipt.reasons.map((reason) => reasonText(reason, words)).join(' · ')}
    </span>,
    words.tasks[receipt.task] ?? receipt.task,
    receipt.timings.firstTokenMs === undefined ? '' : durationText(receipt.timings.firstTokenMs),
    String(receipt.bytesLeft),
  ]);
  return <Table label={texts.receipts} head={texts.receiptHead} rows={rows} empty={texts.noReceipts} />;
}

type Candidate = {
  target: string;
  model?: string;
  feasible: boolean;
  violated: string[];
  /** No `latencyMs`: the side is not there. */
  predicted: { latencyMs: number | null; quality: number; cost: number };
  score: number;
};
type Explained = {
  decision?: {
    kind?: string;
    target?: string;
    reasons?: string[];
    message?: string;
    candidates?: Candidate[];
  };
  decisionMs?: number;
};

function ExplainBox() {
  const words = useTexts();
  const action = useAction();
  const [text, setText] = useState('');
  const [preference, setPreference] = useState('');
  const [result, setResult] = useState<Explained>();
  const ask = (): void =>
    void action.run(async () => {
      const body = await explain({
        messages: [{ role: 'user', content: text }],
        ...(preference === '' ? {} : { duanyun: { preference } }),
      });
      setResult(isRecord(body) ? body : {});
    });
  const decision = result?.decision;
  const rows = (decision?.candidates ?? []).map((each) => {
    const [latency, quality, cost] = predictedTexts(each.predicted);
    return [
      `${words.target[each.target] ?? each.target}${each.model === undefined ? '' : ` (${each.model})`}`,
      each.feasible
        ? texts.possible
        : each.violated.map((word) => reasonText(`${each.target}-${word}`, words)).join(' · '),
      latency,
      quality,
      cost,
      each.score.toFixed(3),
    ];
  });
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <label>
        {texts.question}
        <textarea rows={3} required value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <label>
        {words.preference}
        <select value={preference} onChange={(event) => setPreference(event.target.value)}>
          {['', ...preferences].map((each) => (
            <option key={each} value={each}>
              {words.preferences[each]}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="primary" disabled={action.isBusy}>
        {texts.explainDo}
      </button>
      <Trouble error={action.error} />
      {decision !== undefined && (
        <div role="status">
          <p>
            <strong>
              {decision.kind === 'refusal' ? texts.refused : (words.target[decision.target ?? ''] ?? decision.target)}
            </strong>
            : {(decision.reasons ?? []).map((reason) => reasonText(reason, words)).join(' · ')}
            {result?.decisionMs !== undefined && ` (${result.decisionMs.toFixed(1)} ms)`}
          </p>
          <Table label={texts.candidates} head={texts.candidateHead} rows={rows} empty="" />
        </div>
      )}
    </form>
  );
}

function PolicyBox() {
  const action = useAction();
  const [text, setText] = useState<string>();
  const [verdict, setVerdict] = useState('');
  const load = useCallback(() => fetchPolicyText().then(setText), []);
  const { run } = action;
  // Once; what is typed afterwards is the user's.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  useEffect(() => void run(load), [load]);
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        setVerdict('');
        void run(async () => {
          await checkPolicy(text ?? '');
          setVerdict(texts.policyValid);
        });
      }}
    >
      <label>
        {texts.policyText}
        <textarea
          className="code"
          rows={14}
          spellCheck={false}
          value={text ?? ''}
          onChange={(event) => {
            setText(event.target.value);
            setVerdict('');
          }}
        />
      </label>
      <div className="card-foot">
        <button type="submit" className="primary" disabled={action.isBusy}>
          {texts.validate}
        </button>
        <button
          type="button"
          onClick={() => {
            setVerdict('');
            void run(load);
          }}
        >
          {texts.policyReload}
        </button>
      </div>
      {verdict !== '' && <p role="status">{verdict}</p>}
      <Trouble error={action.error} />
    </form>
  );
}

function StatisticsBox() {
  const { value, error } = usePolled(fetchStatistics, 10_000);
  if (value === undefined) return <Trouble error={error} />;
  return (
    <>
      <p>{value.url === undefined ? texts.notSent : texts.sentTo(value.url)}</p>
      <pre className="code" tabIndex={0} aria-label={texts.statistics}>
        {JSON.stringify(value.report, undefined, 2)}
      </pre>
    </>
  );
}

/** Nothing is predicted of a side that is not there. */
function predictedTexts({ latencyMs, quality, cost }: Candidate['predicted']): [string, string, string] {
  if (latencyMs === null) return ['–', '–', '–'];
  return [durationText(latencyMs), `${Math.round(100 * quality)} %`, cost.toFixed(4)];
}

/** Most frequent first. */
function countKeys(
  receipts: readonly ReceiptBody[],
  keysOf: (receipt: ReceiptBody) => readonly string[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const receipt of receipts)
    for (const key of new Set(keysOf(receipt))) counts.set(key, (counts.get(key) ?? 0) + 1);
  return new Map([...counts].toSorted((a, b) => b[1] - a[1]));
}
