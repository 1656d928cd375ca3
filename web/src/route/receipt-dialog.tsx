import { useEffect, useState } from 'react';
import { isRecord } from '../api/api-error.ts';
import { fetchReceipt } from '../api/server.ts';
import { Modal } from '../page/modal.tsx';
import { reasonText, useTexts } from '../text/use-texts.ts';

type ReceiptDialogProps = {
  id: string;
  /** Of an answer of the page itself: no server has it. */
  own?: Record<string, unknown> | undefined;
  onClose: () => void;
};

export function ReceiptDialog({ id, own, onClose }: ReceiptDialogProps) {
  const texts = useTexts();
  const [fetched, setReceipt] = useState<Record<string, unknown> | 'gone'>();
  // The page's own may come a moment after the dialog.
  const receipt = own ?? fetched;
  useEffect(() => {
    if (own !== undefined) return undefined;
    const controller = new AbortController();
    fetchReceipt(id, controller.signal)
      .then(setReceipt)
      .catch(() => {
        if (!controller.signal.aborted) setReceipt('gone');
      });
    return () => controller.abort();
  }, [id, own]);
  return (
    <Modal title={texts.receipt} onClose={onClose}>
      {receipt === 'gone' && <p>{texts.receiptGone}</p>}
      {isRecord(receipt) && <ReceiptTable receipt={receipt} />}
    </Modal>
  );
}

function ReceiptTable({ receipt }: { receipt: Record<string, unknown> }) {
  const texts = useTexts();
  const names = texts.receiptFields;
  const word = (value: unknown): string | undefined =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  const milliseconds = (value: unknown): string | undefined =>
    typeof value === 'number' ? texts.time(value) : undefined;
  // Where the reader is; the raw fields have it in UTC.
  const moment = (value: unknown): string | undefined =>
    typeof value === 'string' ? new Date(value).toLocaleString() : undefined;
  const timings = isRecord(receipt['timings']) ? receipt['timings'] : {};
  const usage = isRecord(receipt['usage']) ? receipt['usage'] : {};
  const reasons = Array.isArray(receipt['reasons']) ? receipt['reasons'].map(String) : [];
  const target = word(receipt['target']) ?? '';
  const privacy = word(receipt['privacy']) ?? '';
  const tokens = word(usage['promptTokens']);
  const detectors = isRecord(receipt['detectors']) ? Object.entries(receipt['detectors']) : [];
  const rows: [string, string | undefined][] = [
    [names.target, texts.target[target] ?? target],
    [names.model, word(receipt['model'])],
    [names.reasons, reasons.map((reason) => reasonText(reason, texts)).join(' · ')],
    [names.privacy, texts.handling[privacy] ?? privacy],
    [names.bytesLeft, word(receipt['bytesLeft'])],
    [names.preference, texts.preferences[word(receipt['preference']) ?? ''] ?? word(receipt['preference'])],
    [names.task, texts.tasks[word(receipt['task']) ?? ''] ?? word(receipt['task'])],
    [names.complexity, typeof receipt['complexity'] === 'number' ? receipt['complexity'].toFixed(2) : undefined],
    [names.firstToken, milliseconds(timings['firstTokenMs'])],
    [names.total, milliseconds(timings['totalMs'])],
    [names.tokens, tokens === undefined ? undefined : `${tokens} + ${word(usage['completionTokens']) ?? '0'}`],
    [
      names.cost,
      typeof receipt['cost'] === 'number' ? `${receipt['cost']} ${word(receipt['currency']) ?? ''}` : undefined,
    ],
    [names.policyVersion, word(receipt['policyVersion'])],
    [names.detectors, detectors.map(([name, version]) => `${name} ${String(version)}`).join(' · ')],
    [names.createdAt, moment(receipt['createdAt'])],
    [names.id, word(receipt['id'])],
  ];
  return (
    <div className="receipt">
      <dl>
        {rows.map(([name, value]) =>
          value === undefined || value === '' ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      <details>
        <summary>{texts.raw}</summary>
        <pre tabIndex={0}>{JSON.stringify(receipt, undefined, 2)}</pre>
      </details>
    </div>
  );
}
