/** Requests that wait for a place: bounded, by priority, and old ones rise so that none starves. */

/** One step of priority is worth this much waiting. */
const ageingMsPerPriority = 5_000;

type Waiting<Item> = { item: Item; priority: number; enqueuedAt: number; order: number };

export class WaitingQueue<Item> {
  readonly #capacity: number;
  #items: Waiting<Item>[] = [];
  #nextOrder = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#items.length;
  }

  get isFull(): boolean {
    return this.#items.length >= this.#capacity;
  }

  /** The caller has looked at `isFull`; a preempted request may come back over the capacity. */
  add(item: Item, priority: number, now: number): void {
    this.#items.push({ item, priority, enqueuedAt: now, order: this.#nextOrder++ });
  }

  /** Waiting requests, the one to run next first. */
  inOrder(now: number): Item[] {
    const urgency = (entry: Waiting<Item>) => entry.priority + (now - entry.enqueuedAt) / ageingMsPerPriority;
    return this.#items
      .toSorted((left, right) => urgency(right) - urgency(left) || left.order - right.order)
      .map((entry) => entry.item);
  }

  remove(item: Item): boolean {
    const index = this.#items.findIndex((entry) => entry.item === item);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    return true;
  }
}
