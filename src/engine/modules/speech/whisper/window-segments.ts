import { firstTimestamp, timestampSeconds } from '../../../../models/whisper/whisper-tokens.ts';

/** Seconds from the start of the window. */
export type WindowSegment = { start: number; end: number; tokens: number[] };
export type WindowSplit = {
  segments: WindowSegment[];
  /** Seconds after which the next window begins. */
  advance: number;
  /** The last segment was closed by a timestamp, and nothing follows it in this window. */
  endsClosed: boolean;
};

/** Cuts what a window wrote at its pairs of timestamps. Source: `transcribe` of OpenAI's Whisper. */
export function splitWindow(tokens: readonly number[], windowSeconds: number): WindowSplit {
  const isStamp = (token: number | undefined): boolean => token !== undefined && token >= firstTimestamp;
  const endsClosed = tokens.length >= 2 && !isStamp(tokens.at(-2)) && isStamp(tokens.at(-1));
  const cuts: number[] = [];
  for (let index = 1; index < tokens.length; index++) {
    if (isStamp(tokens[index]) && isStamp(tokens[index - 1])) cuts.push(index);
  }
  if (cuts.length === 0) {
    const last = tokens.findLast(isStamp) ?? firstTimestamp;
    const end = last === firstTimestamp ? windowSeconds : secondsOf(last);
    return { segments: [{ start: 0, end, tokens: [...tokens] }], advance: windowSeconds, endsClosed };
  }
  if (endsClosed) cuts.push(tokens.length);
  let from = 0;
  const segments = cuts.map((cut) => {
    const part = tokens.slice(from, cut);
    from = cut;
    return { start: secondsOf(part[0] ?? 0), end: secondsOf(part.at(-1) ?? 0), tokens: part };
  });
  const advance = endsClosed ? windowSeconds : secondsOf(tokens[from - 1] ?? 0);
  return { segments, advance, endsClosed };
}

function secondsOf(token: number): number {
  return (token - firstTimestamp) * timestampSeconds;
}
