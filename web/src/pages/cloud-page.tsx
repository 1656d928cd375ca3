import { type FormEvent, useState } from 'react';
import { createKey, fetchKeys, fetchUpstreams, type KeyBody, revokeKey } from '../api/administration.ts';
import { copyText } from '../page/copy-text.ts';
import { durationText, Page, Section, Table, Trouble, useAction } from './page-parts.tsx';
import { pageTexts as texts } from './page-texts.ts';
import { usePolled } from './use-polled.ts';

const upstreamMs = 3000;
const keyMs = 15_000;

export default function CloudPage() {
  const upstreams = usePolled(fetchUpstreams, upstreamMs);
  const keys = usePolled(fetchKeys, keyMs);
  const rows = (upstreams.value ?? []).map((each) => [
    each.host,
    <span key="state" className={`state state-${each.state}`}>
      {texts.upstreamStates[each.state] ?? each.state}
    </span>,
    each.models.join(', '),
    String(each.running),
    each.firstTokenMs === null ? '–' : durationText(each.firstTokenMs),
    each.tokensPerSecond === null ? '–' : each.tokensPerSecond.toFixed(1),
    each.lastFault ?? '',
  ]);
  return (
    <Page title={texts.cloud}>
      <Section title={texts.upstreams}>
        <Trouble error={upstreams.error} />
        {upstreams.value !== undefined && (
          <Table label={texts.upstreams} head={texts.upstreamHead} rows={rows} empty={texts.noUpstreams} />
        )}
      </Section>
      <Section title={texts.keys} note={texts.keysNote}>
        <NewKey onChange={keys.refresh} />
        <Trouble error={keys.error} />
        {keys.value !== undefined && keys.value.length === 0 && <p className="section-note">{texts.noKeys}</p>}
        <ul className="cards wide">
          {keys.value?.map((key) => (
            <KeyCard key={key.id} record={key} onChange={keys.refresh} />
          ))}
        </ul>
      </Section>
    </Page>
  );
}

function NewKey({ onChange }: { onChange: () => void }) {
  const action = useAction();
  const [name, setName] = useState('');
  const [days, setDays] = useState('');
  const [requests, setRequests] = useState('');
  const [budget, setBudget] = useState('');
  const [made, setMade] = useState<{ name: string; secret: string }>();
  const [isCopied, setCopied] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setMade(undefined);
    setCopied(false);
    void action.run(async () => {
      const key = await createKey({
        name,
        ...(days === '' ? {} : { expires_in_days: Number(days) }),
        ...(requests === '' ? {} : { requests_per_minute: Number(requests) }),
        ...(budget === '' ? {} : { monthly_budget: Number(budget) }),
      });
      setMade({ name: key.name, secret: key.secret });
      setName('');
      onChange();
    });
  };
  const number = (label: string, value: string, set: (text: string) => void, step = '1') => (
    <label>
      {label}
      <input
        type="number"
        min={step === '1' ? 1 : 0}
        step={step}
        value={value}
        placeholder={texts.unlimited}
        onChange={(event) => set(event.target.value)}
      />
    </label>
  );
  return (
    <>
      <form className="form grid" onSubmit={submit}>
        <label>
          {texts.keyName}
          <input type="text" required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        {number(texts.expiresInDays, days, setDays)}
        {number(texts.requestsPerMinute, requests, setRequests)}
        {number(texts.monthlyBudget, budget, setBudget, 'any')}
        <button type="submit" className="primary" disabled={action.isBusy}>
          {texts.makeKey}
        </button>
      </form>
      <Trouble error={action.error} />
      {made !== undefined && (
        <div className="card" role="status">
          <p>{texts.keyMade(made.name)}</p>
          <p>
            <code className="secret">{made.secret}</code>
          </p>
          <div className="card-foot">
            <button type="button" onClick={() => void copyText(made.secret).then(setCopied)}>
              {isCopied ? texts.copied : texts.copy}
            </button>
            <button type="button" onClick={() => setMade(undefined)}>
              {texts.hideKey}
            </button>
          </div>
        </div>
      )}
    </>
  );
}

function KeyCard({ record, onChange }: { record: KeyBody; onChange: () => void }) {
  const action = useAction();
  const { requests_per_minute: requests, monthly_budget: budget } = record.limits;
  const limits = [
    ...(requests === null ? [] : [`${texts.requestsPerMinute}: ${requests}`]),
    ...(budget === null ? [] : [`${texts.monthlyBudget}: ${budget}`]),
    ...(record.expires_at === null ? [] : [texts.until(new Date(record.expires_at).toLocaleDateString())]),
  ];
  const rows = record.usage.map((each) => [
    each.model,
    String(each.requests),
    `${each.prompt_tokens} + ${each.completion_tokens}`,
    each.cost.toFixed(4),
  ]);
  return (
    <li className="card">
      <div className="card-head">
        <strong>{record.name}</strong>
        <span className={`state state-${record.state}`}>{texts.keyStates[record.state] ?? record.state}</span>
      </div>
      <p>
        <code>{record.key}</code>
        {limits.length > 0 && ` · ${limits.join(' · ')}`}
      </p>
      {rows.length > 0 && (
        <Table label={texts.usageOf(record.name)} head={texts.usageHead} rows={rows} empty={texts.notUsed} />
      )}
      {rows.length === 0 && <p className="section-note">{texts.notUsed}</p>}
      {record.state === 'good' && (
        <div className="card-foot">
          <button
            type="button"
            disabled={action.isBusy}
            onClick={() => {
              if (!confirm(texts.revokeSure(record.name))) return;
              void action.run(async () => {
                await revokeKey(record.id);
                onChange();
              });
            }}
          >
            {texts.revoke}
          </button>
        </div>
      )}
      <Trouble error={action.error} />
    </li>
  );
}
