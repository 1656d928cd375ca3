import type { ChatMessage } from './chat.ts';
import type { ModelEntry, Persona } from './catalogue.ts';

/** Text of the first user message. */
export function firstQuestion(messages: readonly ChatMessage[]): string {
  const first = messages.find(({ role }) => role === 'user');
  return first?.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n') ?? '';
}

type Named = Pick<ModelEntry, 'displayName'> & { persona?: Persona };

/**
 * The system prompt of a conversation whose client sent none, or nothing for a model that has none. It speaks one language,
 * that of the first question: a small model mixes the two otherwise, and each token is read before the first word comes.
 *
 * @param question text of the conversation's first user message, so that later ones do not change what was read
 */
export function personaFor({ persona, displayName }: Named, question: string): string | undefined {
  if (persona === undefined) return undefined;
  const text = typeof persona === 'string' ? persona : /\p{Script=Han}/u.test(question) ? persona.zh : persona.en;
  return text.replaceAll('{model}', displayName);
}
