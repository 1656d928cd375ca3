import { type ClipboardEvent, type KeyboardEvent, type Ref, useLayoutEffect, useRef } from 'react';
import { useTexts } from '../text/use-texts.ts';
import type { Mark } from './inspect.ts';

type MarkedFieldProps = {
  label: string;
  value: string;
  /** Of a text that `value` may have outgrown: those beyond the common beginning are left out. */
  marks: readonly Mark[];
  markedText: string;
  describedBy: string;
  onChange: (value: string) => void;
  onEnter: () => void;
  onPaste: (event: ClipboardEvent) => void;
  ref: Ref<HTMLTextAreaElement>;
};

/** A text field with coloured places: the same text lies behind it, invisible but for its marks. */
export function MarkedField(props: MarkedFieldProps) {
  const texts = useTexts();
  const { value, marks, markedText } = props;
  const backdrop = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const same = value === markedText ? value.length : commonLength(value, markedText);
  const shown = marks.filter(({ end }) => end <= same);
  useLayoutEffect(() => {
    const field = frame.current?.querySelector('textarea');
    if (field === null || field === undefined) return;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
  }, [value]);
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    props.onEnter();
  };
  return (
    <div className="marked-field" ref={frame}>
      <div className="backdrop" ref={backdrop} aria-hidden="true">
        {shown.length > 0 && pieces(value, shown, texts.found)}
        {'\n'}
      </div>
      <textarea
        ref={props.ref}
        rows={1}
        dir="auto"
        placeholder={props.label}
        aria-label={props.label}
        aria-describedby={props.describedBy}
        enterKeyHint="send"
        value={value}
        onChange={(event) => props.onChange(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={props.onPaste}
        onScroll={({ currentTarget }) => {
          if (backdrop.current !== null) backdrop.current.scrollTop = currentTarget.scrollTop;
        }}
      />
    </div>
  );
}

function pieces(text: string, marks: readonly Mark[], names: Record<string, string>) {
  return marks.map(({ start, end, type }, index) => (
    <span key={`${start}-${type}`}>
      {text.slice(marks[index - 1]?.end ?? 0, start)}
      <mark title={names[type]}>{text.slice(start, end)}</mark>
      {index === marks.length - 1 ? text.slice(end) : ''}
    </span>
  ));
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
