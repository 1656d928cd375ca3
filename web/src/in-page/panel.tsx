/** Models inside this browser: what there is, what fits, how much room is left. */
import { Modal } from '../page/modal.tsx';
import { Icon } from '../page/icon.tsx';
import { useTexts } from '../text/use-texts.ts';
import type { InPageView } from './in-page.ts';
import type { InPageState, OfferedModel, Pull } from './messages.ts';
import { inPage } from './use-in-page.ts';
import './panel.css';

export default function InPagePanel({ view, onClose }: { view: InPageView; onClose: () => void }) {
  const texts = useTexts().inPage;
  const { support, state } = view;
  return (
    <Modal title={texts.title} onClose={onClose}>
      <p>{texts.about}</p>
      {support !== 'ready' && (
        <p className="trouble" role="alert">
          {texts.support[support]}
        </p>
      )}
      {support === 'ready' && state === undefined && <p role="status">{texts.looking}</p>}
      {state !== undefined && <Models state={state} />}
    </Modal>
  );
}

function Models({ state }: { state: InPageState }) {
  const texts = useTexts().inPage;
  const { models, storage, trouble, engine, modelId } = state;
  return (
    <div className="in-page">
      {trouble !== undefined && (
        <p className="trouble" role="alert">
          {trouble.message === '' ? texts.crashed : trouble.message} <code>{trouble.code}</code>
        </p>
      )}
      <p role="status">{texts.engine[engine]}</p>
      {models.length === 0 && <p>{texts.none}</p>}
      <ul>
        {models.map((model) => (
          <li key={model.id}>
            <ModelRow model={model} pull={state.pull} isChosen={model.id === modelId} />
          </li>
        ))}
      </ul>
      {modelId !== undefined && (
        <button type="button" onClick={() => inPage.use(undefined)}>
          {texts.off}
        </button>
      )}
      {storage !== undefined && (
        <p className="note">
          {texts.storage(mebibytes(storage.usedBytes), mebibytes(storage.quotaBytes))}{' '}
          {storage.isPersistent ? texts.persistent : texts.notPersistent}
        </p>
      )}
    </div>
  );
}

function ModelRow({ model, pull, isChosen }: { model: OfferedModel; pull: Pull | undefined; isChosen: boolean }) {
  const texts = useTexts().inPage;
  const { id, displayName, refusal } = model;
  const own = pull?.modelId === id ? pull : undefined;
  const share = own === undefined ? 0 : own.receivedBytes / Math.max(1, own.totalBytes);
  return (
    <>
      <div className="in-page-name">
        <strong>{displayName}</strong>
        <span className="note">
          {mebibytes(model.sizeBytes)} MiB · {model.licence}
        </span>
      </div>
      {refusal !== undefined && <p className="note">{texts.refused(refusal)}</p>}
      {own !== undefined && (
        <>
          <progress value={share} max={1} aria-label={displayName} />
          <p className="note" role="status">
            {(own.phase === 'server' ? texts.onServer : texts.fetching)(
              mebibytes(own.receivedBytes),
              mebibytes(own.totalBytes),
            )}
          </p>
        </>
      )}
      <div className="in-page-actions">
        {own !== undefined && (
          <button type="button" onClick={() => inPage.stopPull()}>
            {texts.pause}
          </button>
        )}
        {!model.isHere && refusal === undefined && own === undefined && (
          <button type="button" className="primary" disabled={pull !== undefined} onClick={() => inPage.pull(id)}>
            {model.partialBytes > 0 ? texts.resume(mebibytes(model.partialBytes)) : texts.fetch}
          </button>
        )}
        {model.isHere && refusal === undefined && !isChosen && (
          <button type="button" className="primary" onClick={() => inPage.use(id)}>
            {texts.use}
          </button>
        )}
        {isChosen && (
          <span className="badge device">
            <Icon name="device" /> {texts.inUse}
          </span>
        )}
        {(model.isHere || model.partialBytes > 0) && own === undefined && (
          <button
            type="button"
            aria-label={texts.removeModel(displayName)}
            onClick={() => {
              if (confirm(texts.removeSure(displayName))) inPage.remove(id);
            }}
          >
            {texts.remove}
          </button>
        )}
      </div>
    </>
  );
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
