/** What the page shows and does: one conversation, the list of all, and the answer that is running. */
import { ApiError } from '../api/api-error.ts';
import type { AnswerEvent, Preference, Question } from '../api/ask.ts';
import { HistoryDatabase } from '../history/history-database.ts';
import {
  type AnswerTurn,
  type Conversation,
  newConversation,
  newTurnId,
  showBranch,
  shownTurns,
  type UserTurn,
  wireMessages,
  withTurn,
  withoutStreaming,
} from './conversation.ts';

export type ChatState = {
  conversation: Conversation;
  /** Newest first. */
  history: readonly Conversation[];
  isAnswering: boolean;
  /** History cannot be kept: storage is full or switched off. The conversation goes on in memory. */
  isUnsaved: boolean;
  /** The server asked for a key, or refused this one. */
  needsKey: boolean;
};

export type QuestionContent = Pick<UserTurn, 'text' | 'pictures' | 'recordings' | 'isPrivate'>;
/** Who answers: the server, or what stands before it in the page. */
export type Answerer = {
  ask(question: Question, signal: AbortSignal): AsyncIterable<AnswerEvent>;
  receipt(answer: Pick<AnswerTurn, 'route' | 'requestId'>): Promise<Record<string, unknown> | undefined>;
};
export type AskOptions = { model: string; preference: Preference | undefined };

/** Between two drawings of a running answer: a screen needs no more, and a slow one gets room to breathe. */
const drawMs = 50;
/** The same for an answer that the page computes itself: what is spent on drawing the engine does not have. */
const drawOwnMs = 200;
/** A shorter answer came in one piece, which says nothing of the speed. */
const shortestSeconds = 0.25;
/** Between two writings of a running answer to the history: what a reload can lose. */
const saveMs = 400;

export class ChatStore {
  #state: ChatState;
  readonly #database = new HistoryDatabase();
  readonly #listeners = new Set<() => void>();
  readonly #channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('duanyun-history');
  #running: AbortController | undefined;
  #isLeft = false;
  #saving: Promise<void> = Promise.resolve();
  readonly #answerer: Answerer;

  constructor(answerer: Answerer) {
    this.#answerer = answerer;
    this.#state = {
      conversation: newConversation(Date.now()),
      history: [],
      isAnswering: false,
      isUnsaved: false,
      needsKey: false,
    };
    this.#channel?.addEventListener('message', ({ data }) => void this.#othersChanged(String(data)));
    // A page that is put away may never come back: what has come so far is written now.
    const saveRunning = (): void => {
      if (this.#state.isAnswering) void this.#save();
    };
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') saveRunning();
    });
    // It may go on for minutes while it is hidden, before it is frozen.
    document.addEventListener('freeze', saveRunning);
    // The browser ends the connections of a page that it leaves, which says nothing of the server.
    addEventListener('pagehide', () => {
      this.#isLeft = true;
    });
    addEventListener('pageshow', () => {
      this.#isLeft = false;
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ChatState => this.#state;

  /** @param id of the conversation to show, where the address names one */
  async load(id: string | undefined): Promise<void> {
    await this.#refreshHistory();
    if (id !== undefined) this.show(id);
  }

  show(id: string): void {
    const conversation = this.#state.history.find((each) => each.id === id);
    if (conversation === undefined || conversation.id === this.#state.conversation.id) return;
    this.stop();
    this.#set({ conversation: withoutStreaming(conversation) });
  }

  startNew(): void {
    this.stop();
    this.#set({ conversation: newConversation(Date.now()) });
  }

  showVersion(turnId: string): void {
    if (this.#state.isAnswering) return;
    this.#set({ conversation: showBranch(this.#state.conversation, turnId) });
    void this.#save();
  }

  stop(): void {
    this.#running?.abort();
  }

  keyGiven(): void {
    this.#set({ needsKey: false });
  }

  askForKey(): void {
    this.#set({ needsKey: true });
  }

  /** A question at the end of the shown branch. */
  send(content: QuestionContent, options: AskOptions): Promise<void> {
    return this.#ask(content, options, this.#state.conversation.leafId);
  }

  /** A question beside `edited`, as a branch of its own. */
  sendInstead(edited: UserTurn, content: QuestionContent, options: AskOptions): Promise<void> {
    return this.#ask(content, options, edited.parentId);
  }

  async #ask(content: QuestionContent, options: AskOptions, parentId: string | undefined): Promise<void> {
    if (this.#state.isAnswering) return;
    const now = Date.now();
    const question: UserTurn = { id: newTurnId(), parentId, role: 'user', createdAt: now, ...content };
    this.#set({ conversation: withTurn(this.#state.conversation, question, now) });
    await this.#answer(question.id, options);
  }

  /** Answers the question of this answer once more, beside it. */
  async regenerate(answer: AnswerTurn, options: AskOptions): Promise<void> {
    if (this.#state.isAnswering || answer.parentId === undefined) return;
    await this.#answer(answer.parentId, options);
  }

  async remove(id: string): Promise<void> {
    if (id === this.#state.conversation.id) this.startNew();
    await this.#change(() => this.#database.delete(id));
  }

  async removeAll(): Promise<void> {
    this.startNew();
    await this.#change(() => this.#database.clear());
  }

  async #answer(questionId: string, { model, preference }: AskOptions): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    const conversationId = this.#state.conversation.id;
    let answer: AnswerTurn = {
      id: newTurnId(),
      parentId: questionId,
      role: 'assistant',
      createdAt: Date.now(),
      text: '',
      thinking: '',
      toolCalls: [],
      state: 'streaming',
    };
    const messages = wireMessages(shownTurns({ ...this.#state.conversation, leafId: questionId }));
    let own: Conversation = this.#state.conversation;
    const show = (): void => {
      own = withTurn(own, answer, Date.now());
      if (this.#state.conversation.id === conversationId) this.#set({ conversation: own });
    };
    this.#set({ isAnswering: true });
    show();
    await this.#save(own);
    const startedMs = performance.now();
    const progress = { firstMs: 0, tokens: 0 };
    let drawnMs = 0;
    let savedMs = startedMs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pauseMs = drawMs;
    try {
      const question = { model, messages, ...(preference === undefined ? {} : { preference }) };
      for await (const event of this.#answerer.ask(question, controller.signal)) {
        const nowMs = performance.now();
        answer = withEvent(answer, event, nowMs - startedMs);
        if (event.type === 'route' && event.target === 'page') pauseMs = drawOwnMs;
        if (isContent(event)) {
          if (progress.firstMs === 0) progress.firstMs = nowMs;
          progress.tokens += 1;
        }
        // The first word at once, and kept as soon as it is seen.
        const isFirst = progress.firstMs === nowMs;
        if (nowMs - drawnMs >= pauseMs || isFirst) {
          drawnMs = nowMs;
          show();
        } else {
          timer ??= setTimeout(() => {
            timer = undefined;
            drawnMs = performance.now();
            show();
          }, pauseMs);
        }
        if (nowMs - savedMs >= saveMs || isFirst) {
          savedMs = nowMs;
          void this.#save(own);
        }
      }
      answer = { ...answer, state: 'done' };
    } catch (error) {
      answer = controller.signal.aborted ? { ...answer, state: 'stopped' } : this.#broken(answer, error);
    } finally {
      clearTimeout(timer);
      const seconds = (performance.now() - progress.firstMs) / 1000;
      // Where the server gives no speed, the page's own count of pieces over its own clock.
      if (answer.tokensPerSecond === undefined && progress.tokens > 1 && seconds >= shortestSeconds) {
        answer = { ...answer, tokensPerSecond: (progress.tokens - 1) / seconds };
      }
      if (this.#running === controller) this.#running = undefined;
      this.#set({ isAnswering: this.#running !== undefined });
      show();
      await this.#save(own);
    }
    const receipt = await this.#answerer.receipt(answer);
    answer = withReceipt(answer, receipt);
    // A newer state of the conversation may stand there by now.
    if (this.#state.conversation.id === conversationId) own = this.#state.conversation;
    const question = own.turns[questionId];
    // The server has the last word: it also reads pictures and speech.
    if (question?.role === 'user' && typeof receipt?.['privacy'] === 'string') {
      own = withTurn(own, { ...question, isPrivate: receipt['privacy'] !== 'open' }, Date.now());
    }
    show();
    await this.#save(own);
    await this.#refreshHistory();
  }

  #broken(answer: AnswerTurn, error: unknown): AnswerTurn {
    if (this.#isLeft) return { ...answer, state: 'broken', failure: { code: 'reloaded', message: '' } };
    const { code, message } = error instanceof ApiError ? error : { code: 'not_understood', message: String(error) };
    if (code === 'unauthorized') this.#set({ needsKey: true });
    return { ...answer, state: 'broken', failure: { code, message } };
  }

  /**
   * Writes in the order of the calls, without waiting for the one before: a page that is being frozen could not. A write that
   * fails is said, and the conversation stays in memory.
   */
  #save(conversation = this.#state.conversation): Promise<void> {
    const written = this.#write(conversation);
    const before = this.#saving;
    this.#saving = before.then(() => written);
    return this.#saving;
  }

  async #write(conversation: Conversation): Promise<void> {
    try {
      await this.#database.put(conversation);
      if (this.#state.isUnsaved) this.#set({ isUnsaved: false });
      this.#channel?.postMessage(conversation.id);
    } catch {
      this.#set({ isUnsaved: true });
    }
  }

  async #change(change: () => Promise<void>): Promise<void> {
    await this.#saving;
    try {
      await change();
    } catch {
      this.#set({ isUnsaved: true });
    }
    await this.#refreshHistory();
    this.#channel?.postMessage('');
  }

  async #refreshHistory(): Promise<void> {
    try {
      this.#set({ history: await this.#database.all() });
    } catch {
      this.#set({ isUnsaved: true });
    }
  }

  /** Another tab wrote: its list is this one's, and so is the conversation that both show, unless an answer runs here. */
  async #othersChanged(id: string): Promise<void> {
    await this.#refreshHistory();
    if (id !== this.#state.conversation.id || this.#state.isAnswering) return;
    const theirs = this.#state.history.find((each) => each.id === id);
    if (theirs !== undefined) this.#set({ conversation: theirs });
  }

  #set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function isContent({ type }: AnswerEvent): boolean {
  return type === 'text' || type === 'thinking' || type === 'tool-call';
}

function withEvent(answer: AnswerTurn, event: AnswerEvent, elapsedMs: number): AnswerTurn {
  const timed = isContent(event) && answer.firstTokenMs === undefined ? { ...answer, firstTokenMs: elapsedMs } : answer;
  switch (event.type) {
    case 'route': {
      const { target, reasons, receiptId } = event;
      if (target === undefined && receiptId === undefined) return answer;
      const known = { ...(target === undefined ? {} : { target }), ...(receiptId === undefined ? {} : { receiptId }) };
      return { ...answer, route: { ...known, reasons } };
    }
    case 'id':
      return { ...answer, requestId: event.id };
    case 'model':
      return { ...answer, model: event.model };
    case 'text':
      return { ...timed, text: timed.text + event.text };
    case 'thinking':
      return { ...timed, thinking: timed.thinking + event.text };
    case 'tool-call': {
      const toolCalls = [...timed.toolCalls];
      const before = toolCalls[event.index] ?? { name: '', arguments: '' };
      toolCalls[event.index] = {
        name: before.name + event.name,
        arguments: before.arguments + event.arguments,
      };
      return { ...timed, toolCalls: toolCalls.filter((each) => each !== undefined) };
    }
    case 'finish':
      return { ...answer, finishReason: event.reason };
    case 'usage':
      return event.tokensPerSecond === undefined ? answer : { ...answer, tokensPerSecond: event.tokensPerSecond };
  }
}

/** The headers say where an answer began; the receipt says where it was given in the end. */
function withReceipt(answer: AnswerTurn, receipt: Record<string, unknown> | undefined): AnswerTurn {
  const receiptId = answer.route?.receiptId ?? receipt?.['id'];
  if (typeof receiptId !== 'string' || receipt === undefined) return answer;
  const { target, reasons } = receipt;
  return {
    ...answer,
    route: {
      ...answer.route,
      receiptId,
      ...(typeof target === 'string' ? { target } : {}),
      reasons: Array.isArray(reasons) ? reasons.map(String) : [],
      ...(target === 'page' ? { receipt } : {}),
    },
  };
}
