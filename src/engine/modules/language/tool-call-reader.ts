/** What the readers of the two tool call notations have in common. */

/** A part of one call: `name` comes once, first; `arguments` adds to the JSON text. */
export type CallDelta = { name?: string; arguments: string };

export type ReadResult = {
  deltas: CallDelta[];
  /** How much of the text has been used and need not be shown again. */
  consumed: number;
  /** `more`: waits for text. `done`: the call has ended. `malformed`: this is no call and nothing was consumed. */
  state: 'more' | 'done' | 'malformed';
  /** Only with `done`: whether the closing tag was there. */
  isClosed?: boolean;
};

export interface ToolCallReader {
  /** `text` is everything not yet consumed. */
  read(text: string, isEnd: boolean): ReadResult;
}

export const callStart = '<tool_call>';
export const callEnd = '</tool_call>';
