/** What is said, as text while it is said: the microphone's samples to the server's dictation, its words back. */
import { isRecord } from '../api/api-error.ts';
import { currentKey } from '../api/api-key.ts';
import workletUrl from './pcm-worklet.ts?worker&url';

export type DictatedText = {
  /** Will not change any more. */
  stable: string;
  /** May. */
  tail: string;
};

export type Dictation = {
  /** Resolves with all that was said once the last utterance is written down. */
  finish(): Promise<string>;
  cancel(): void;
};

/** Longest wait for the last words, milliseconds. */
const patienceMs = 20_000;
const eventName = 'conversation.item.input_audio_transcription';

/**
 * @param onText called with everything that was said so far, each time that more is known
 * @param onUnavailable the server does not dictate, or no longer; recording goes on without
 */
export async function startDictation(
  context: AudioContext,
  stream: MediaStream,
  { onText, onUnavailable }: { onText: (text: DictatedText) => void; onUnavailable: () => void },
): Promise<Dictation> {
  await context.audioWorklet.addModule(workletUrl);
  const node = new AudioWorkletNode(context, 'duanyun-pcm');
  const key = currentKey();
  const address = new URL(`/v1/realtime?intent=transcription&rate=${context.sampleRate}`, location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  // A browser sets no headers here: the key travels as OpenAI's own clients send it.
  const protocols = key === undefined ? ['realtime'] : ['realtime', `openai-insecure-api-key.${key}`];
  const socket = new WebSocket(address, protocols);
  const utterances = new Utterances();
  let waiting = (): void => {};
  let isOver = false;
  const early: Int16Array[] = [];

  node.port.addEventListener('message', ({ data }: MessageEvent<Int16Array<ArrayBuffer>>) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
    else if (socket.readyState === WebSocket.CONNECTING) early.push(data);
  });
  node.port.start();
  context.createMediaStreamSource(stream).connect(node);
  socket.addEventListener('open', () => {
    for (const piece of early.splice(0)) socket.send(piece as Int16Array<ArrayBuffer>);
  });
  socket.addEventListener('message', ({ data }) => {
    if (!utterances.take(String(data))) return;
    if (utterances.isSettled) waiting();
    onText(utterances.text());
  });
  socket.addEventListener('close', () => {
    waiting();
    if (!isOver) onUnavailable();
  });
  const end = (): void => {
    isOver = true;
    node.disconnect();
    node.port.close();
    socket.close();
  };
  return {
    async finish() {
      isOver = true;
      node.disconnect();
      if (socket.readyState === WebSocket.OPEN) {
        const settled = new Promise<void>((resolve) => {
          waiting = resolve;
          setTimeout(resolve, patienceMs);
        });
        utterances.expectsLast = true;
        socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
        await settled;
      }
      end();
      const { stable, tail } = utterances.text();
      return `${stable}${tail}`.trim();
    },
    cancel: end,
  };
}

/** What was said, utterance by utterance, in the order in which it was said. */
class Utterances {
  readonly #items = new Map<string, DictatedText & { isDone: boolean }>();
  /** The end was asked for: the answer to that is still to come. */
  expectsLast = false;

  get isSettled(): boolean {
    return !this.expectsLast && [...this.#items.values()].every(({ isDone }) => isDone);
  }

  /** Whether the event changed anything. */
  take(data: string): boolean {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      return false;
    }
    if (!isRecord(event)) return false;
    const id = String(event['item_id']);
    const before = this.#items.get(id) ?? { stable: '', tail: '', isDone: false };
    switch (event['type']) {
      case 'input_audio_buffer.committed':
        this.expectsLast = false;
        this.#items.set(id, before);
        return true;
      // Nothing was left to commit.
      case 'error':
        this.expectsLast = false;
        return true;
      case `${eventName}.partial`:
        this.#items.set(id, { stable: wordOf(event['stable']), tail: wordOf(event['tail']), isDone: false });
        return true;
      case `${eventName}.completed`:
        this.#items.set(id, { stable: wordOf(event['transcript']), tail: '', isDone: true });
        return true;
      case `${eventName}.failed`:
        this.#items.set(id, { ...before, isDone: true });
        return true;
      default:
        return false;
    }
  }

  text(): DictatedText {
    const items = [...this.#items.values()];
    const open = items.at(-1);
    const closed = items.slice(0, -1).map(({ stable, tail }) => `${stable}${tail}`.trim());
    const stable = joined([...closed, open?.stable.trim() ?? '']);
    return { stable, tail: open?.tail ?? '' };
  }
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Chinese is written without spaces between what follows each other. */
function joined(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .reduce((text, part) => {
      if (text === '') return part;
      return /[\p{Script=Han}，。？！；：、]$/u.test(text) ? text + part : `${text} ${part}`;
    }, '');
}
