import { memo, useEffect, useLayoutEffect, useRef } from 'react';
import { AnswerView } from './answer-view.tsx';
import { type AnswerTurn, type Conversation, type Turn, type UserTurn, versionsOf } from './conversation.ts';
import { QuestionView } from './question-view.tsx';

export type ConversationActions = {
  regenerate: (answer: AnswerTurn) => void;
  edit: (turn: UserTurn, text: string) => void;
  showVersion: (id: string) => void;
  openReceipt: (id: string) => void;
};

type ConversationProps = {
  conversation: Conversation;
  turns: readonly Turn[];
  isAnswering: boolean;
  actions: ConversationActions;
};

/** Within this many pixels of the end the view follows the answer; who scrolled up to read is left alone. */
const followPixels = 80;

export function ConversationView({ conversation, turns, isAnswering, actions }: ConversationProps) {
  const place = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const lastQuestion = turns.findLast((turn) => turn.role === 'user')?.id;
  useEffect(() => {
    follows.current = true;
  }, [lastQuestion]);
  useLayoutEffect(() => {
    const element = place.current;
    if (element !== null && follows.current) element.scrollTop = element.scrollHeight;
  }, [turns]);
  return (
    <div
      ref={place}
      className="conversation"
      role="log"
      aria-live="off"
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < followPixels;
      }}
    >
      {turns.map((turn) => {
        const versions = versionsOf(conversation, turn).map(({ id }) => id);
        return (
          <TurnView key={turn.id} turn={turn} versions={versions.join(' ')} isBusy={isAnswering} actions={actions} />
        );
      })}
    </div>
  );
}

type TurnProps = { turn: Turn; versions: string; isBusy: boolean; actions: ConversationActions };

const TurnView = memo(function TurnView({ turn, versions, isBusy, actions }: TurnProps) {
  const ids = versions.split(' ');
  return turn.role === 'user' ? (
    <QuestionView turn={turn} versions={ids} isBusy={isBusy} actions={actions} />
  ) : (
    <AnswerView turn={turn} versions={ids} isBusy={isBusy} actions={actions} />
  );
});
