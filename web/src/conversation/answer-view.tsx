import { useState } from 'react';
import { CodeBlock } from '../markdown/code-block.tsx';
import { Markdown } from '../markdown/markdown.tsx';
import { copyText } from '../page/copy-text.ts';
import { Icon } from '../page/icon.tsx';
import { RouteLine } from '../route/route-line.tsx';
import { useTexts } from '../text/use-texts.ts';
import type { ConversationActions } from './conversation-view.tsx';
import type { AnswerTurn } from './conversation.ts';
import { VersionSwitch } from './version-switch.tsx';

type AnswerProps = { turn: AnswerTurn; versions: readonly string[]; isBusy: boolean; actions: ConversationActions };

/** How long the button says that it worked. */
const saidMs = 1500;

export function AnswerView({ turn, versions, isBusy, actions }: AnswerProps) {
  const texts = useTexts();
  const isStreaming = turn.state === 'streaming';
  const structured = isStreaming ? undefined : structuredText(turn.text);
  const isWaiting = isStreaming && turn.text === '' && turn.thinking === '' && turn.toolCalls.length === 0;
  return (
    <article className="turn answer" aria-label={texts.assistant} aria-busy={isStreaming}>
      {turn.thinking !== '' && (
        <details className="thinking">
          <summary>{isStreaming && turn.text === '' ? texts.thinkingNow : texts.thinking}</summary>
          <p dir="auto">{turn.thinking}</p>
        </details>
      )}
      {isWaiting && <p className="waiting">{texts.waiting}</p>}
      {turn.text !== '' &&
        (structured === undefined ? (
          <Markdown text={turn.text} isComplete={!isStreaming} />
        ) : (
          <CodeBlock code={structured} language="json" />
        ))}
      {turn.toolCalls.map((call, index) => (
        <div key={index} className="tool-call">
          <span>
            {texts.toolCall} <code>{call.name}</code>
          </span>
          <pre tabIndex={0}>{pretty(call.arguments)}</pre>
        </div>
      ))}
      <Ending turn={turn} />
      <RouteLine turn={turn} onOpen={actions.openReceipt} />
      {!isStreaming && (
        <div className="turn-foot">
          <VersionSwitch id={turn.id} versions={versions} isBusy={isBusy} onShow={actions.showVersion} />
          <CopyButton text={turn.text} />
          <button
            type="button"
            className="icon-button small"
            aria-label={texts.again}
            title={texts.again}
            disabled={isBusy}
            onClick={() => actions.regenerate(turn)}
          >
            <Icon name="again" />
          </button>
        </div>
      )}
    </article>
  );
}

/** How it ended, where that was not by itself. */
function Ending({ turn }: { turn: AnswerTurn }) {
  const texts = useTexts();
  if (turn.state === 'stopped') return <p className="ending">{texts.stopped}</p>;
  if (turn.state === 'broken') {
    const { code = '', message = '' } = turn.failure ?? {};
    return (
      <p className="ending broken" role="alert">
        {texts.failures[code] ?? `${texts.broken} ${message}`} <code>{code}</code>
      </p>
    );
  }
  return turn.finishReason === 'length' ? <p className="ending">{texts.cutByLength}</p> : null;
}

function CopyButton({ text }: { text: string }) {
  const texts = useTexts();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    if (!(await copyText(text))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), saidMs);
  };
  return (
    <button
      type="button"
      className="icon-button small"
      aria-label={isCopied ? texts.copied : texts.copy}
      title={texts.copy}
      onClick={() => void copy()}
    >
      <Icon name="copy" />
    </button>
  );
}

/** An answer that is one JSON object or list, laid out; `undefined` for all others. */
function structuredText(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const laidOut = pretty(text);
  return laidOut === text ? undefined : laidOut;
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
