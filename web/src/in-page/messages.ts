/** What the page and the worker of its engine say to each other. Plain data. */
import type { Policy } from '../../../src/routing/policy.ts';
import type { RouteState } from '../../../src/routing/types.ts';
import type { AnswerEvent, Question } from '../api/ask.ts';
import type { Situation } from '../api/server.ts';
import type { PageModel } from './engine/page-model.ts';
import type { Storage } from './store/model-files.ts';

/** What the worker cannot find out by itself. */
export type PageFacts = {
  threads: number;
  deviceGiB: number | undefined;
};

/** The server as the page sees it. */
export type ServerFacts = {
  situation: Situation | undefined;
  /** It answers nothing. */
  isAway: boolean;
  key: string | undefined;
};

export type ToWorker =
  /** The worker holds the lock as long as it lives. */
  | { type: 'start'; facts: PageFacts; lifeLock: string }
  | { type: 'server'; server: ServerFacts }
  | { type: 'use'; modelId: string | undefined }
  /** `messages`: the conversation so far, and the question as far as it is written. */
  | { type: 'prepare'; messages: Question['messages'] }
  | { type: 'ask'; id: number; question: Question }
  | { type: 'abort'; id: number }
  | { type: 'receipt'; id: number; receiptId: string }
  | { type: 'refresh' }
  | { type: 'pull'; modelId: string }
  | { type: 'stop-pull' }
  | { type: 'remove'; modelId: string }
  /** Another tab wants the engine. */
  | { type: 'release' };

export type OfferedModel = PageModel & {
  /** The server has its file. */
  isOnServer: boolean;
  isHere: boolean;
  /** Bytes that are here of a file that is on its way. */
  partialBytes: number;
  /** Why it cannot run here, with numbers; absent where it can. */
  refusal?: { neededMiB: number; availableMiB: number; smaller?: string };
};

export type Pull = {
  modelId: string;
  /** `server`: the server fetches it first. */
  phase: 'server' | 'here';
  receivedBytes: number;
  totalBytes: number;
};

export type InPageState = {
  models: OfferedModel[];
  storage: Storage | undefined;
  pull: Pull | undefined;
  /** The model that answers. */
  modelId: string | undefined;
  engine: 'none' | 'idle' | 'loading' | 'ready' | 'failed';
  /** What went wrong last with models or engine. */
  trouble: { code: string; message: string } | undefined;
  /** What decisions are made from in this page. */
  situation: { policy: Policy; state: RouteState } | undefined;
};

export type FromWorker =
  /** Holds its lock now. */
  | { type: 'alive' }
  | { type: 'state'; state: InPageState }
  | { type: 'event'; id: number; event: AnswerEvent }
  | { type: 'done'; id: number }
  | { type: 'receipt'; id: number; receipt: Record<string, unknown> | undefined }
  | { type: 'failed'; id: number; code: string; message: string };
