import { useEffect, useState, useSyncExternalStore } from 'react';
import {
  type CatalogueModel,
  fetchCatalogue,
  fetchModules,
  type ModuleBody,
  moveModule,
  removeModel,
  switchModel,
} from '../api/administration.ts';
import { engineSamples } from './engine-samples.ts';
import { bytesText, Page, Section, Trouble, useAction } from './page-parts.tsx';
import { pageTexts as texts } from './page-texts.ts';
import { pulls } from './pull-store.ts';
import { TimeChart } from './time-chart.tsx';
import { usePolled } from './use-polled.ts';

const moduleMs = 2000;
const catalogueMs = 30_000;

export default function DevicePage() {
  const modules = usePolled(fetchModules, moduleMs);
  return (
    <Page title={texts.device}>
      <Section title={texts.modules} note={texts.modulesNote}>
        <Trouble error={modules.error} />
        <ul className="cards">
          {modules.value?.map((module) => (
            <ModuleCard key={module.name} module={module} onChange={modules.refresh} />
          ))}
        </ul>
      </Section>
      <Section title={texts.engine} note={texts.engineNote}>
        <EngineCharts />
      </Section>
      <Section title={texts.models} note={texts.modelsNote}>
        <Models running={modules.value?.find(({ name }) => name === 'language')?.model ?? undefined} />
      </Section>
    </Page>
  );
}

function ModuleCard({ module, onChange }: { module: ModuleBody; onChange: () => void }) {
  const action = useAction();
  const isLoaded = module.state === 'ready' || module.state === 'idle';
  const act = (what: 'load' | 'unload'): Promise<void> =>
    action.run(async () => {
      await moveModule(module.name, what);
      onChange();
    });
  const resident = module.resident_bytes ?? 0;
  const needed = module.required_bytes ?? 0;
  return (
    <li className="card">
      <div className="card-head">
        <strong>{texts.moduleNames[module.name] ?? module.name}</strong>
        <span className={`state state-${module.state}`}>{texts.moduleStates[module.state] ?? module.state}</span>
      </div>
      <p>
        {module.model ?? texts.nothingInstalled}
        {resident > 0 && ` · ${bytesText(resident)}`}
        {resident === 0 && needed > 0 && ` · ${texts.needs(bytesText(needed))}`}
        {(module.active_uses ?? 0) > 0 && ` · ${texts.inUse(module.active_uses ?? 0)}`}
      </p>
      {module.reason !== undefined && module.reason !== null && <p className="section-note">{module.reason}</p>}
      {module.state === 'loading' && <progress value={module.progress ?? undefined} aria-label={texts.loading} />}
      <div className="card-foot">
        {isLoaded ? (
          <button type="button" disabled={action.isBusy} onClick={() => void act('unload')}>
            {texts.unload}
          </button>
        ) : (
          <button type="button" disabled={action.isBusy || module.state === 'loading'} onClick={() => void act('load')}>
            {texts.load}
          </button>
        )}
      </div>
      <Trouble error={action.error} />
    </li>
  );
}

function EngineCharts() {
  const samples = useSyncExternalStore(engineSamples.subscribe, engineSamples.snapshot);
  const times = samples.map(({ atSeconds }) => atSeconds);
  const limits = samples.at(-1)?.limitedBy ?? [];
  return (
    <>
      <p className="section-note" role="status">
        {limits.length === 0
          ? texts.notLimited
          : texts.limitedBy(limits.map((each) => texts.limits[each] ?? each).join(' · '))}
      </p>
      <div className="charts">
        <TimeChart
          title={texts.speed}
          unit={texts.perSecond}
          times={times}
          lines={[
            { label: texts.answers, values: samples.map(({ decodePerSecond }) => decodePerSecond) },
            { label: texts.prompts, values: samples.map(({ prefillPerSecond }) => prefillPerSecond) },
          ]}
        />
        <TimeChart
          title={texts.batch}
          unit=""
          times={times}
          lines={[
            { label: texts.running, values: samples.map(({ running }) => running) },
            { label: texts.mostRunning, values: samples.map(({ mostRunning }) => mostRunning) },
            { label: texts.queued, values: samples.map(({ queued }) => queued) },
          ]}
        />
        <TimeChart
          title={texts.cache}
          unit={texts.tokens}
          times={times}
          lines={[
            { label: texts.used, values: samples.map(({ cellsUsed }) => cellsUsed) },
            { label: texts.size, values: samples.map(({ cells }) => cells) },
          ]}
        />
        <TimeChart
          title={texts.controller}
          unit=""
          times={times}
          lines={[
            { label: texts.tokenBudget, values: samples.map(({ tokenBudget }) => tokenBudget) },
            { label: texts.threads, values: samples.map(({ threads }) => threads) },
            { label: texts.stepMs, values: samples.map(({ stepMs }) => stepMs) },
          ]}
        />
      </div>
    </>
  );
}

function Models({ running }: { running: string | undefined }) {
  const catalogue = usePolled(fetchCatalogue, catalogueMs);
  const known = useSyncExternalStore(pulls.subscribe, pulls.snapshot);
  const [isAll, setAll] = useState(false);
  const finished = [...known.values()].filter(({ state }) => state === 'done').length;
  const { refresh } = catalogue;
  useEffect(refresh, [finished, refresh]);
  const models = (catalogue.value ?? []).toSorted((a, b) => Number(b.installed) - Number(a.installed));
  const shown = isAll ? models : models.filter(({ id, installed }) => installed || known.has(id));
  return (
    <>
      <Trouble error={catalogue.error} />
      <ul className="cards wide">
        {shown.map((model) => (
          <ModelCard key={model.id} model={model} isRunning={model.id === running} onChange={refresh} />
        ))}
      </ul>
      <button type="button" onClick={() => setAll(!isAll)} aria-expanded={isAll}>
        {isAll ? texts.installedOnly : texts.allModels(models.length - shown.length)}
      </button>
    </>
  );
}

type ModelProps = { model: CatalogueModel; isRunning: boolean; onChange: () => void };

function ModelCard({ model, isRunning, onChange }: ModelProps) {
  const pull = useSyncExternalStore(pulls.subscribe, pulls.snapshot).get(model.id);
  const action = useAction();
  const answers = model.kind === undefined;
  const sizes = model.files.map(({ sizeBytes }) => sizeBytes ?? 0);
  const size = model.installed ? model.installedBytes : sizes.reduce((sum, each) => sum + each, 0);
  const act = (work: () => Promise<unknown>): void =>
    void action.run(async () => {
      await work();
      onChange();
    });
  return (
    <li className="card">
      <div className="card-head">
        <strong>{model.displayName}</strong>
        {isRunning && <span className="state state-ready">{texts.answersNow}</span>}
      </div>
      <p>
        <code>{model.id}</code> · {size > 0 ? bytesText(size) : texts.sizeUnknown} ·{' '}
        {texts.needs(bytesText(model.memoryBytes))} · {model.licence}
      </p>
      <p className="section-note">{texts.modelDescriptions[model.id] ?? model.description}</p>
      {pull !== undefined && pull.state !== 'done' && !model.installed && (
        <div className="pull">
          <progress
            max={1}
            value={pull.totalBytes === undefined ? undefined : pull.receivedBytes / pull.totalBytes}
            aria-label={texts.fetching}
          />
          <span>
            {bytesText(pull.receivedBytes)}
            {pull.totalBytes !== undefined && ` / ${bytesText(pull.totalBytes)}`}
            {pull.state === 'paused' && ` · ${texts.paused}`}
            {pull.state === 'running' && pull.bytesPerSecond > 0 && ` · ${bytesText(pull.bytesPerSecond)}/s`}
            {pull.state === 'running' &&
              pull.remainingSeconds !== undefined &&
              ` · ${texts.remaining(pull.remainingSeconds)}`}
          </span>
        </div>
      )}
      {pull?.state === 'failed' && <Trouble error={pull.error} />}
      <div className="card-foot">
        {!model.installed && pull?.state === 'running' && (
          <button type="button" onClick={() => pulls.pause(model.id)}>
            {texts.pause}
          </button>
        )}
        {!model.installed && pull?.state !== 'running' && (
          <button type="button" onClick={() => void pulls.start(model.id)}>
            {pull?.state === 'paused' || pull?.state === 'failed' ? texts.resume : texts.fetch}
          </button>
        )}
        {model.installed && answers && !isRunning && (
          <button
            type="button"
            className="primary"
            disabled={action.isBusy}
            onClick={() => act(() => switchModel(model.id))}
          >
            {action.isBusy ? texts.switching : texts.use}
          </button>
        )}
        {model.installed && !isRunning && (
          <button
            type="button"
            disabled={action.isBusy}
            onClick={() => {
              if (confirm(texts.removeSure(model.displayName))) act(() => removeModel(model.id));
            }}
          >
            {texts.remove}
          </button>
        )}
      </div>
      <Trouble error={action.error} />
    </li>
  );
}
