/** Conversations, on this device only (IndexedDB). */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Conversation } from '../conversation/conversation.ts';

type Schema = DBSchema & {
  conversations: { key: string; value: Conversation; indexes: { updatedAt: number } };
};

export class HistoryDatabase {
  #database: Promise<IDBPDatabase<Schema>> | undefined;

  /** Newest first. */
  async all(): Promise<Conversation[]> {
    const database = await this.#open();
    return (await database.getAllFromIndex('conversations', 'updatedAt')).reverse();
  }

  async get(id: string): Promise<Conversation | undefined> {
    return (await this.#open()).get('conversations', id);
  }

  /** Later calls win. Committed with the call: a page that is frozen next cannot do it any more. */
  async put(conversation: Conversation): Promise<void> {
    const transaction = (await this.#open()).transaction('conversations', 'readwrite');
    const stored = transaction.store.put(conversation);
    transaction.commit();
    await Promise.all([stored, transaction.done]);
  }

  async delete(id: string): Promise<void> {
    await (await this.#open()).delete('conversations', id);
  }

  async clear(): Promise<void> {
    await (await this.#open()).clear('conversations');
  }

  /** Opened by the first use; a failure is tried again at the next. */
  async #open(): Promise<IDBPDatabase<Schema>> {
    this.#database ??= openDB<Schema>('duanyun', 1, {
      upgrade(database) {
        const store = database.createObjectStore('conversations', { keyPath: 'id' });
        store.createIndex('updatedAt', 'updatedAt');
      },
      // A newer page in another tab wants to change the layout: this one lets go.
      blocking: (_current, _next, event) => (event.target as IDBDatabase).close(),
      terminated: () => {
        this.#database = undefined;
      },
    });
    try {
      return await this.#database;
    } catch (error) {
      this.#database = undefined;
      throw error;
    }
  }
}

/** Whether a text of the conversation, or its title, holds all words of the search. */
export function matches(conversation: Conversation, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [conversation.title, ...Object.values(conversation.turns).map((turn) => turn.text)]
    .join('\n')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
