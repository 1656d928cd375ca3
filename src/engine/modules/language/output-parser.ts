/**
 * Splits what a model writes into answer text, reasoning and tool calls while it comes, wherever the pieces are cut, and holds
 * back no more than what may be the beginning of a mark.
 *
 * - Reasoning is `<think>…</think>` at the start only; later such tags are text. In the `glm` format `<answer>` tags and box
 *   marks are taken out as well, paired or not.
 * - A tool call that cannot be read comes out as the text it was.
 * - White space between reasoning, text and calls is dropped.
 */
import type { ToolDefinition } from '../../../core/chat.ts';
import { findBareCall } from './bare-call.ts';
import { GlmCallReader } from './glm-call-reader.ts';
import { JsonCallReader } from './json-call-reader.ts';
import { findMarker, startsWith } from './marker-search.ts';
import type { CallDelta, ToolCallReader } from './tool-call-reader.ts';
import { callEnd, callStart } from './tool-call-reader.ts';

export type ParsedDelta =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  /** The first delta of a call carries `id` and `name`; the later ones add to `arguments`. */
  | { type: 'tool-call'; index: number; id?: string; name?: string; arguments: string };

export type OutputParserOptions = {
  reasoning: 'none' | 'think' | 'glm';
  /** `undefined`: no tools were offered and nothing is read as a call. */
  tools:
    | {
        format: 'hermes' | 'glm' | 'none';
        names: string[];
        /** With them, string arguments in GLM's notation stream, and "12" for a string stays a string. */
        definitions?: readonly ToolDefinition[];
      }
    | undefined;
  /** Whether the prompt already ends with `<think>`. */
  startsInReasoning: boolean;
  newCallId: () => string;
};

const thinkStart = '<think>';
const thinkEnd = '</think>';
const answerStart = '<answer>';
const answerEnd = '</answer>';
const boxMarks = ['<|begin_of_box|>', '<|end_of_box|>'];

type State = 'start' | 'reasoning' | 'before-text' | 'text' | 'call';

export class OutputParser {
  readonly #options: OutputParserOptions;
  readonly #hasCalls: boolean;
  #state: State;
  /** Not yet given out. */
  #buffer = '';
  /** White space that is given out only if text follows. */
  #blanks = '';
  /** Whether white space here stands between parts and so is dropped. */
  #isBetween = false;
  #answerTag: 'unseen' | 'open' | 'closed' = 'unseen';
  #bareIsAllowed: boolean;
  /** Marks that may follow a bare call and mean nothing. */
  #closing: string[] = [];
  #reader: ToolCallReader | undefined;
  #callIsBare = false;
  #callIndex = -1;
  #deltas: ParsedDelta[] = [];

  constructor(options: OutputParserOptions) {
    this.#options = options;
    this.#hasCalls = options.tools !== undefined && options.tools.format !== 'none';
    this.#bareIsAllowed = this.#hasCalls;
    if (options.startsInReasoning && options.reasoning !== 'none') this.#enterReasoning();
    this.#state = this.#isBetween ? 'reasoning' : options.reasoning === 'none' ? 'before-text' : 'start';
  }

  /** Whether the next characters belong to the reasoning, as far as is known. */
  get inReasoning(): boolean {
    return this.#state === 'reasoning';
  }

  push(text: string): ParsedDelta[] {
    this.#buffer += text;
    return this.#run(false);
  }

  /** What was held back. The parser is spent afterwards. */
  finish(): ParsedDelta[] {
    return this.#run(true);
  }

  #run(isEnd: boolean): ParsedDelta[] {
    while (this.#step(isEnd));
    if (isEnd) this.#giveBlanks();
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas;
  }

  /** Returns whether there may be more to do with what is in the buffer. */
  #step(isEnd: boolean): boolean {
    switch (this.#state) {
      case 'start':
        return this.#stepStart(isEnd);
      case 'reasoning':
        return this.#stepReasoning(isEnd);
      case 'before-text':
        return this.#stepBeforeText(isEnd);
      case 'text':
        return this.#stepText(isEnd);
      case 'call':
        return this.#stepCall(isEnd);
    }
  }

  #stepStart(isEnd: boolean): boolean {
    const text = this.#buffer.trimStart();
    const start = startsWith(text, thinkStart, isEnd);
    if (start === 'maybe') return false;
    if (start === 'no') {
      this.#state = 'before-text';
      return true;
    }
    this.#buffer = text.slice(thinkStart.length);
    this.#enterReasoning();
    return true;
  }

  #enterReasoning(): void {
    this.#state = 'reasoning';
    this.#isBetween = true;
  }

  #stepReasoning(isEnd: boolean): boolean {
    const isGlm = this.#options.reasoning === 'glm';
    const markers = isGlm ? [thinkEnd, answerStart, ...boxMarks] : [thinkEnd];
    if (this.#isBetween) {
      // Nothing given out yet: a model may repeat the tag with which the prompt ended.
      this.#buffer = this.#buffer.trimStart();
      const repeated = startsWith(this.#buffer, thinkStart, isEnd);
      if (repeated === 'maybe') return false;
      if (repeated === 'yes') this.#buffer = this.#buffer.slice(thinkStart.length).trimStart();
    }
    const search = findMarker(this.#buffer, markers, isEnd);
    this.#give(this.#buffer.slice(0, search.found ? search.at : search.safe));
    if (!search.found) {
      this.#buffer = this.#buffer.slice(search.safe);
      if (isEnd) this.#between();
      return false;
    }
    const ends = search.marker === thinkEnd || search.marker === answerStart;
    this.#buffer = this.#buffer.slice(search.at + (search.marker === answerStart ? 0 : search.marker.length));
    if (ends) {
      this.#between();
      this.#state = 'before-text';
    }
    return true;
  }

  /** At the start of the answer, or after a call: a tag or a call without tags may stand here. */
  #stepBeforeText(isEnd: boolean): boolean {
    const text = this.#buffer.trimStart();
    const blanks = this.#buffer.slice(0, this.#buffer.length - text.length);
    if (this.#options.reasoning === 'glm' && this.#answerTag === 'unseen') {
      const tag = startsWith(text, answerStart, isEnd);
      if (tag === 'maybe') return false;
      if (tag === 'yes') {
        this.#buffer = text.slice(answerStart.length);
        this.#answerTag = 'open';
        this.#between();
        return true;
      }
    }
    for (const mark of this.#closing) {
      const closes = startsWith(text, mark, isEnd);
      if (closes === 'maybe') return false;
      if (closes === 'yes') {
        this.#buffer = text.slice(mark.length);
        return true;
      }
    }
    if (this.#bareIsAllowed) {
      const bare = findBareCall(text, this.#options.tools?.names ?? [], isEnd);
      if (bare.state === 'maybe') return false;
      if (bare.state === 'yes') {
        this.#buffer = text.slice(bare.at);
        for (const mark of bare.closing) if (!this.#closing.includes(mark)) this.#closing.push(mark);
        this.#startCall(new JsonCallReader(false), true);
        return true;
      }
    } else if (text === '' && !isEnd) {
      return false;
    }
    this.#bareIsAllowed = false;
    this.#buffer = text;
    if (!this.#isBetween) this.#blanks = blanks;
    this.#state = 'text';
    return true;
  }

  #stepText(isEnd: boolean): boolean {
    const search = findMarker(this.#buffer, this.#textMarkers(), isEnd);
    this.#give(this.#buffer.slice(0, search.found ? search.at : search.safe));
    if (!search.found) {
      this.#buffer = this.#buffer.slice(search.safe);
      return false;
    }
    const rest = this.#buffer.slice(search.at + search.marker.length);
    if (search.marker === callStart) {
      const isOpen = this.#openCall(rest, isEnd);
      if (isOpen === 'maybe') {
        this.#buffer = this.#buffer.slice(search.at);
        return false;
      }
      if (isOpen === 'no') this.#give(callStart);
    } else if (search.marker === answerStart) {
      this.#answerTag = 'open';
    } else if (search.marker === answerEnd) {
      this.#answerTag = 'closed';
      this.#between();
    }
    this.#buffer = rest;
    return true;
  }

  #textMarkers(): string[] {
    const markers = this.#hasCalls ? [callStart] : [];
    if (this.#options.reasoning !== 'glm') return markers;
    if (this.#answerTag === 'unseen') markers.push(answerStart);
    if (this.#answerTag === 'open') markers.push(answerEnd);
    return [...markers, ...boxMarks];
  }

  /** The first character after the tag tells the notation. */
  #openCall(rest: string, isEnd: boolean): 'yes' | 'maybe' | 'no' {
    const first = rest.trimStart()[0];
    if (first === undefined) return isEnd ? 'no' : 'maybe';
    const definitions = this.#options.tools?.definitions ?? [];
    this.#startCall(first === '{' ? new JsonCallReader(true) : new GlmCallReader(definitions), false);
    return 'yes';
  }

  #startCall(reader: ToolCallReader, isBare: boolean): void {
    this.#reader = reader;
    this.#callIsBare = isBare;
    this.#state = 'call';
  }

  #stepCall(isEnd: boolean): boolean {
    const reader = this.#reader;
    if (reader === undefined) return false;
    const { deltas, consumed, state, isClosed } = reader.read(this.#buffer, isEnd);
    for (const delta of deltas) this.#giveCall(delta);
    this.#buffer = this.#buffer.slice(consumed);
    if (state === 'malformed') {
      this.#state = 'text';
      if (!this.#callIsBare) this.#give(callStart);
      return true;
    }
    if (state === 'done') {
      this.#between();
      this.#state = 'before-text';
      // A second object may follow in the same tag; its end tag is then still to come.
      this.#bareIsAllowed = this.#callIsBare || isClosed === false;
      if (isClosed === false && !this.#closing.includes(callEnd)) this.#closing.push(callEnd);
      return true;
    }
    return consumed > 0 || (isEnd && this.#buffer !== '');
  }

  #giveCall(delta: CallDelta): void {
    if (delta.name !== undefined) {
      this.#between();
      const index = ++this.#callIndex;
      this.#deltas.push({ type: 'tool-call', index, id: this.#options.newCallId(), ...delta });
    } else if (delta.arguments !== '') {
      this.#deltas.push({ type: 'tool-call', index: this.#callIndex, ...delta });
    }
  }

  /** Forgets white space before and after this place. */
  #between(): void {
    this.#blanks = '';
    this.#isBetween = true;
  }

  /** Gives out text or reasoning; white space at its end waits for what follows. */
  #give(text: string): void {
    if (text === '') return;
    const whole = this.#blanks + (this.#isBetween ? text.trimStart() : text);
    const mayNeedTrimming = this.#state === 'reasoning' || this.#hasCalls || this.#answerTag === 'open';
    const visible = mayNeedTrimming ? whole.trimEnd() : whole;
    this.#blanks = whole.slice(visible.length);
    if (visible === '') return;
    this.#isBetween = false;
    this.#push(visible);
  }

  /** At the very end: white space is part of the text unless it stood after a call or a closing tag. */
  #giveBlanks(): void {
    if (this.#blanks !== '' && this.#state === 'text' && !this.#isBetween) this.#push(this.#blanks);
    this.#blanks = '';
  }

  #push(text: string): void {
    this.#deltas.push({ type: this.#state === 'reasoning' ? 'reasoning' : 'text', text });
  }
}
