import type { AnswerTurn } from '../conversation/conversation.ts';
import { Icon } from '../page/icon.tsx';
import { reasonText, useTexts } from '../text/use-texts.ts';

/** Where an answer ran, why, with which model and how fast; a click opens the receipt. */
export function RouteLine({ turn, onOpen }: { turn: AnswerTurn; onOpen: (receiptId: string) => void }) {
  const texts = useTexts();
  const { route, model, firstTokenMs, tokensPerSecond, state } = turn;
  const target = route?.target;
  const facts = [
    ...(route?.reasons ?? []).slice(0, 3).map((reason) => reasonText(reason, texts)),
    ...(model === undefined ? [] : [model]),
    ...(firstTokenMs === undefined ? [] : [texts.firstToken(firstTokenMs)]),
    ...(tokensPerSecond === undefined || state === 'streaming' ? [] : [texts.speed(tokensPerSecond)]),
  ];
  if (target === undefined && facts.length === 0) return null;
  const content = (
    <>
      {target !== undefined && (
        <span className={`badge ${target === 'cloud' ? 'cloud' : 'device'}`}>
          <Icon name={target === 'cloud' ? 'cloud' : 'device'} /> {texts.target[target] ?? target}
        </span>
      )}
      <span>{facts.join(' · ')}</span>
    </>
  );
  const receiptId = route?.receiptId;
  if (receiptId === undefined) return <div className="route">{content}</div>;
  return (
    <button type="button" className="route" title={texts.openReceipt} onClick={() => onOpen(receiptId)}>
      {content}
    </button>
  );
}
