/** Chats to learn from: one JSON object a line, `{"messages": [{"role": "user", "content": "…"}, …]}`. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { makeError } from '../../core/errors.ts';

export type TrainingMessage = { role: 'system' | 'user' | 'assistant'; content: string };
export type Conversation = {
  /** Where it stands in the file, from 1. */
  line: number;
  messages: TrainingMessage[];
};

export type TrainingData = {
  train: Conversation[];
  validation: Conversation[];
  /** Lines that say what an earlier line says; left out. */
  repeated: number;
  sha256: string;
};

/** Fewer teach nothing, and leave nothing to check by. */
const fewestConversations = 4;
const mostBytes = 64 * 1024 * 1024;

const conversationSchema = z.looseObject({
  messages: z
    .array(z.looseObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .min(2, 'has fewer than two messages'),
});

/**
 * Reads the whole file before anything is trained. Throws `training_data_invalid` with the number of the first bad line.
 * @param file its name, for messages
 * @param validationShare of the conversations, kept apart to check by; at least one
 */
export function readTrainingData(bytes: Buffer, file: string, validationShare: number): TrainingData {
  const fail = (reason: string, line?: number) =>
    makeError('training_data_invalid', { file, place: line === undefined ? '' : `, line ${line}`, reason });
  if (bytes.length > mostBytes) throw fail(`it is larger than ${mostBytes / 2 ** 20} MiB`);
  const seen = new Set<string>();
  const conversations: { conversation: Conversation; hash: string }[] = [];
  let repeated = 0;
  for (const [index, lineBytes] of linesOf(bytes).entries()) {
    const line = index + 1;
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(lineBytes).trim();
    } catch {
      throw fail('it is not valid UTF-8', line);
    }
    if (text === '') continue;
    const messages = readLine(text, (reason) => fail(reason, line));
    const hash = createHash('sha256').update(JSON.stringify(messages)).digest('hex');
    if (seen.has(hash)) repeated++;
    else conversations.push({ conversation: { line, messages }, hash });
    seen.add(hash);
  }
  if (conversations.length < fewestConversations) {
    const found = conversations.length === 0 ? 'no conversations' : `${conversations.length} different conversations`;
    throw fail(`it holds ${found}; at least ${fewestConversations} are needed`);
  }
  // By hash: the same conversations check whatever is added later, in whatever order.
  const byHash = conversations.toSorted((left, right) => (left.hash < right.hash ? -1 : 1));
  const held = Math.min(conversations.length - 2, Math.max(1, Math.round(conversations.length * validationShare)));
  const inOrder = (some: typeof conversations) =>
    some.map(({ conversation }) => conversation).toSorted((left, right) => left.line - right.line);
  return {
    train: inOrder(byHash.slice(held)),
    validation: inOrder(byHash.slice(0, held)),
    repeated,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

function readLine(text: string, fail: (reason: string) => Error): TrainingMessage[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail('it is not valid JSON');
  }
  const parsed = conversationSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the line' : issue.path.join('.');
    throw fail(`${where}: ${issue?.message ?? 'is no conversation'}`);
  }
  const messages = parsed.data.messages.map(({ role, content }) => ({ role, content }));
  const order = faultInOrder(messages);
  if (order !== undefined) throw fail(order);
  return messages;
}

function faultInOrder(messages: TrainingMessage[]): string | undefined {
  for (const [index, { role, content }] of messages.entries()) {
    const before = messages[index - 1]?.role;
    if (role === 'system' && index > 0) return 'a system message must come first';
    if (role === 'assistant' && before !== 'user') return 'an answer must follow a question';
    if (role === 'user' && before === 'user') return 'two questions follow each other';
    if (role === 'assistant' && content.trim() === '') return 'an answer is empty';
  }
  return messages.at(-1)?.role === 'assistant' ? undefined : 'it must end with an answer';
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  // A byte order mark belongs to no line.
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  lines.push(bytes.subarray(start));
  return lines;
}
