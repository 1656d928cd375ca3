import { describe, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { Admission, type AdmissionOptions, type Leave } from './admission.ts';

const { signal } = new AbortController();
const usual: AdmissionOptions = {
  clock: systemClock,
  maxRunning: 4,
  maxWaiting: 100,
  queueMs: 10_000,
  keyRunning: 4,
  keyWaiting: 50,
};
const who = (keyId: string, more: { weight?: number; concurrency?: number; priority?: number } = {}) => ({
  keyId,
  weight: 1,
  concurrency: undefined,
  priority: 0,
  ...more,
});
/** Lets what was granted go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Requests that note who got a place, and hold it until told. */
class Crowd {
  readonly order: string[] = [];
  readonly leaves: Leave[] = [];
  readonly #admission: Admission;
  constructor(admission: Admission) {
    this.#admission = admission;
  }
  ask(applicant: ReturnType<typeof who>, label = applicant.keyId): void {
    void this.#ask(applicant, label);
  }
  async #ask(applicant: ReturnType<typeof who>, label: string): Promise<void> {
    try {
      const leave = await this.#admission.enter(applicant, signal);
      this.order.push(label);
      this.leaves.push(leave);
    } catch (error) {
      this.order.push((error as { code: string }).code);
    }
  }
}

describe('Admission', () => {
  it('lets a newcomer in at the next free place, whatever one key has in its queue', async () => {
    const admission = new Admission(usual);
    const crowd = new Crowd(admission);
    for (let times = 0; times < 30; times++) crowd.ask(who('hog'));
    await settled();
    expect(crowd.order).toEqual(Array(4).fill('hog'));
    crowd.ask(who('new'));
    crowd.ask(who('other'));
    for (const leave of crowd.leaves.splice(0, 2)) leave();
    await settled();
    expect(crowd.order.slice(4).toSorted()).toEqual(['new', 'other']);
  });

  it('shares places between keys that all want more, by their weight', async () => {
    const admission = new Admission({ ...usual, maxRunning: 12, keyRunning: 12 });
    const crowd = new Crowd(admission);
    for (let times = 0; times < 12; times++) crowd.ask(who('first'));
    for (let times = 0; times < 40; times++) {
      crowd.ask(who('a'));
      crowd.ask(who('b', { weight: 2 }));
    }
    await settled();
    for (const leave of crowd.leaves.splice(0, 12)) leave();
    await settled();
    const got = crowd.order.slice(12);
    expect(got.filter((key) => key === 'a')).toHaveLength(4);
    expect(got.filter((key) => key === 'b')).toHaveLength(8);
  });

  it('refuses what one key has too much of with 429, and what all have too much of with 503', async () => {
    const admission = new Admission({ ...usual, maxWaiting: 3, keyWaiting: 2 });
    const crowd = new Crowd(admission);
    for (let times = 0; times < 7; times++) crowd.ask(who('a'));
    crowd.ask(who('b'));
    crowd.ask(who('c'));
    await settled();
    expect(crowd.order).toEqual(['a', 'a', 'a', 'a', 'concurrency_limited', 'overloaded']);
    expect(admission).toMatchObject({ running: 4, waiting: 3 });
  });

  it('keeps a key within its own limit while places are free', async () => {
    const admission = new Admission(usual);
    const crowd = new Crowd(admission);
    for (let times = 0; times < 3; times++) crowd.ask(who('a', { concurrency: 1 }));
    crowd.ask(who('b'));
    await settled();
    expect(crowd.order).toEqual(['a', 'b']);
    crowd.leaves[0]?.();
    await settled();
    expect(crowd.order).toEqual(['a', 'b', 'a']);
  });

  it('runs the more urgent request of a key first', async () => {
    const admission = new Admission({ ...usual, maxRunning: 1 });
    const crowd = new Crowd(admission);
    crowd.ask(who('a'), 'running');
    await settled();
    crowd.ask(who('a'), 'usual');
    crowd.ask(who('a', { priority: 5 }), 'urgent');
    crowd.leaves[0]?.();
    await settled();
    expect(crowd.order).toEqual(['running', 'urgent']);
  });

  it('forgets who left while waiting, and tells who waited too long', async () => {
    const admission = new Admission({ ...usual, maxRunning: 1, queueMs: 20 });
    const leave = await admission.enter(who('a'), signal);
    const controller = new AbortController();
    const left = admission.enter(who('b'), controller.signal);
    controller.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await expect(admission.enter(who('b'), signal)).rejects.toMatchObject({ code: 'queue_timeout', status: 503 });
    expect(admission.waiting).toBe(0);
    leave();
    leave();
    expect(admission.running).toBe(0);
  });
});
