/** A conversation is a tree: editing a question or asking again adds a branch, and nothing is overwritten. Pure. */
import type { WireMessage, WirePart } from '../api/ask.ts';

export type Picture = { url: string; width: number; height: number; name: string };
/** 16-bit WAV, base64. */
export type Recording = { wav: string; seconds: number };

export type UserTurn = {
  id: string;
  parentId: string | undefined;
  role: 'user';
  createdAt: number;
  text: string;
  pictures: Picture[];
  recordings: Recording[];
  /** The signals found something in it before it was sent. */
  isPrivate: boolean;
};

export type Route = {
  target?: string;
  reasons: string[];
  receiptId?: string;
  /** Of an answer that the page gave by itself: nobody else has it. */
  receipt?: Record<string, unknown>;
};
export type ToolCallView = { name: string; arguments: string };

export type AnswerTurn = {
  id: string;
  parentId: string | undefined;
  role: 'assistant';
  createdAt: number;
  text: string;
  thinking: string;
  toolCalls: ToolCallView[];
  /** `broken`: it ended before its end, and what had come is kept. */
  state: 'streaming' | 'done' | 'stopped' | 'broken';
  failure?: { code: string; message: string };
  finishReason?: string;
  route?: Route;
  /** The server's name of it. */
  requestId?: string;
  model?: string;
  firstTokenMs?: number;
  tokensPerSecond?: number;
};

export type Turn = UserTurn | AnswerTurn;

export type Conversation = {
  id: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  turns: Readonly<Record<string, Turn>>;
  /** The end of the branch that is shown. */
  leafId: string | undefined;
};

const titleLength = 60;

export function newConversation(now: number): Conversation {
  return { id: newTurnId(), title: '', createdAt: now, updatedAt: now, turns: {}, leafId: undefined };
}

/** `crypto.randomUUID` is missing on pages without a secure origin. */
export function newTurnId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** From the first question to the end of the branch that is shown. */
export function shownTurns(conversation: Conversation): Turn[] {
  const turns: Turn[] = [];
  for (let id = conversation.leafId; id !== undefined;) {
    const turn: Turn | undefined = conversation.turns[id];
    if (turn === undefined || turns.length > 10_000) break;
    turns.push(turn);
    id = turn.parentId;
  }
  return turns.reverse();
}

/** The versions of one turn, oldest first. */
export function versionsOf(conversation: Conversation, turn: Turn): Turn[] {
  return Object.values(conversation.turns)
    .filter(({ parentId, role }) => parentId === turn.parentId && role === turn.role)
    .toSorted((a, b) => a.createdAt - b.createdAt);
}

/** Adds a turn, or puts it in the place of the one with its id, and shows its branch. */
export function withTurn(conversation: Conversation, turn: Turn, now: number): Conversation {
  const isNew = conversation.turns[turn.id] === undefined;
  return {
    ...conversation,
    title: conversation.title === '' && turn.role === 'user' ? titleOf(turn) : conversation.title,
    updatedAt: now,
    turns: { ...conversation.turns, [turn.id]: turn },
    leafId: isNew ? turn.id : conversation.leafId,
  };
}

/** Shows the branch that goes through this turn: the newest below it. */
export function showBranch(conversation: Conversation, turnId: string): Conversation {
  let leafId = turnId;
  for (;;) {
    const below = Object.values(conversation.turns).filter(({ parentId }) => parentId === leafId);
    const newest = below.toSorted((a, b) => a.createdAt - b.createdAt).at(-1);
    if (newest === undefined) return { ...conversation, leafId };
    leafId = newest.id;
  }
}

/** An answer that no tab writes any more was cut off: by a reload, a crash, a closed tab. */
export function withoutStreaming(conversation: Conversation): Conversation {
  const entries = Object.entries(conversation.turns).map(([id, turn]): [string, Turn] =>
    turn.role === 'assistant' && turn.state === 'streaming'
      ? [id, { ...turn, state: 'broken', failure: { code: 'reloaded', message: '' } }]
      : [id, turn],
  );
  return { ...conversation, turns: Object.fromEntries(entries) };
}

/** What is sent: the branch, without answers that hold nothing. */
export function wireMessages(turns: readonly Turn[]): WireMessage[] {
  return turns.flatMap((turn): WireMessage[] => {
    if (turn.role === 'assistant') return turn.text === '' ? [] : [{ role: 'assistant', content: turn.text }];
    if (turn.pictures.length + turn.recordings.length === 0) return [{ role: 'user', content: turn.text }];
    const parts: WirePart[] = [
      ...turn.pictures.map(({ url }): WirePart => ({ type: 'image_url', image_url: { url } })),
      ...turn.recordings.map(({ wav }): WirePart => ({
        type: 'input_audio',
        input_audio: { data: wav, format: 'wav' },
      })),
    ];
    if (turn.text !== '') parts.push({ type: 'text', text: turn.text });
    return [{ role: 'user', content: parts }];
  });
}

/** For a file that the user keeps: Markdown. */
export function asMarkdown(conversation: Conversation, names: { user: string; assistant: string }): string {
  const parts = shownTurns(conversation).map((turn) => `## ${names[turn.role]}\n\n${turn.text}`);
  return `# ${conversation.title}\n\n${parts.join('\n\n')}\n`;
}

function titleOf({ text, pictures, recordings }: UserTurn): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  if (line === '') return pictures.length > 0 ? '🖼' : recordings.length > 0 ? '🎙' : '';
  const characters = Array.from(line);
  return characters.length > titleLength ? `${characters.slice(0, titleLength).join('')}…` : line;
}
