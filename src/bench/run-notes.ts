/** What the results say beside the requests: of the client itself, of counted tokens, of targets that fail. */
import type { TokenCheck } from './client/count-tokens.ts';
import type { ClientOverhead } from './client/overhead.ts';
import type { ReceiverState } from './client/receiver-messages.ts';
import type { NoteRecord } from './record.ts';

type Note = Omit<NoteRecord, 'type'>;

const figure = (text: string, value: number | undefined): Note[] =>
  value === undefined || Number.isNaN(value) ? [] : [{ suite: 'client', kind: 'figure', text, value }];

export function overheadNotes({ connections, p50Ms, p99Ms, ownP99Ms, delayedShare }: ClientOverhead): Note[] {
  const name = `client overhead at ${connections} connections`;
  return [
    ...figure(`${name}, p50, ms a token`, p50Ms),
    ...figure(`${name}, p99, ms a token`, p99Ms),
    ...figure(`${name}, p99 of the tokens for which a processor was free, ms a token`, ownP99Ms),
    ...figure(`${name}, share of tokens that waited for a processor`, delayedShare),
  ];
}

/** Of the whole run. */
export function receiverNotes({ standing, pieces, computedMs, waitedMs }: ReceiverState): Note[] {
  const each = (value: number | undefined): number | undefined => (value === undefined ? value : value / pieces);
  const text = {
    'real-time': 'the receiving thread ran with real-time priority',
    raised: 'the receiving thread ran with raised priority (nice -10)',
    normal: 'the receiving thread had no right to a higher priority: other programs may delay its stamps',
  }[standing];
  return [
    { suite: 'client', kind: 'figure', text },
    ...figure('receiving thread during the run, computed, mean ms for each piece received', each(computedMs)),
    ...figure(
      'receiving thread during the run, waited for a processor, mean ms for each piece received',
      each(waitedMs),
    ),
  ];
}

/** Tokenising a text again may split it a little differently from how it was generated. */
const toleratedShare = 0.1;

export function tokenNotes(target: string, check: TokenCheck | undefined): Note[] {
  const note = (kind: Note['kind'], text: string): Note => ({ target, suite: 'tokens', kind, text });
  if (check === undefined)
    return [note('not-measured', 'no answer was cut by its length: its tokens could not be counted again')];
  const { answers, byUsage, byOwnTokenizer, byOurTokenizer } = check;
  const counted = [
    ...(byOwnTokenizer === undefined ? [] : [`${byOwnTokenizer} by the server’s own tokenizer`]),
    ...(byOurTokenizer === undefined ? [] : [`${byOurTokenizer} by the running Duanyun’s`]),
  ];
  if (counted.length === 0) {
    return [
      note('not-measured', 'tokens could not be counted again: the server has no /tokenize, and no Duanyun runs'),
    ];
  }
  const notes = [note('figure', `${answers} answers: ${byUsage} tokens by usage, ${counted.join(', ')}`)];
  const isOff =
    byOwnTokenizer === undefined
      ? byOurTokenizer !== undefined && (byUsage > byOurTokenizer * 2 || byUsage * 2 < byOurTokenizer)
      : Math.abs(byUsage / byOwnTokenizer - 1) > toleratedShare;
  if (isOff) notes.push(note('warning', `usage does not agree with the text that came: ${notes[0]?.text}`));
  return notes;
}
