import { describe, expect, it } from 'vitest';
import { HandClock } from '../../test/support/app-client.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

function newBreaker() {
  const clock = new HandClock();
  return { clock, breaker: new CircuitBreaker({ clock, failureThreshold: 3, cooldownMs: 500 }) };
}

describe('the circuit breaker', () => {
  it('opens after failures in a row, and not after failures with a success between them', () => {
    const { breaker } = newBreaker();
    for (const certain of [false, false]) breaker.fail(certain);
    breaker.succeed();
    for (const certain of [false, false]) breaker.fail(certain);
    expect(breaker.state).toBe('closed');
    breaker.fail(false);
    expect(breaker.state).toBe('open');
    expect(breaker.tryEnter()).toBe(false);
  });

  it('opens at once when no connection can be made', () => {
    const { breaker } = newBreaker();
    breaker.fail(true);
    expect(breaker.state).toBe('open');
  });

  it('lets one request try after the pause, and its outcome decides', () => {
    const { breaker, clock } = newBreaker();
    breaker.fail(true);
    clock.nowMs += 500;
    expect(breaker.state).toBe('half-open');
    expect([breaker.tryEnter(), breaker.tryEnter()]).toEqual([true, false]);
    breaker.fail(false);
    expect(breaker.state).toBe('open');
    clock.nowMs += 1000;
    expect(breaker.tryEnter()).toBe(true);
    breaker.succeed();
    expect([breaker.state, breaker.tryEnter(), breaker.tryEnter()]).toEqual(['closed', true, true]);
  });

  it('gives the place back when the client of the try left', () => {
    const { breaker, clock } = newBreaker();
    breaker.fail(true);
    clock.nowMs += 500;
    breaker.tryEnter();
    breaker.release();
    expect(breaker.tryEnter()).toBe(true);
  });

  it('believes a probe at once, but not one that is wrong again and again (flapping)', () => {
    const { breaker, clock } = newBreaker();
    for (let round = 0; round < 3; round++) {
      breaker.fail(true);
      breaker.probeSucceeded();
      expect(breaker.state, `round ${round}`).toBe('half-open');
      breaker.tryEnter();
      breaker.succeed();
      clock.nowMs += 100;
    }
    breaker.fail(true);
    breaker.probeSucceeded();
    expect(breaker.state).toBe('open');
    clock.nowMs += 4000;
    expect(breaker.state).toBe('half-open');
    breaker.tryEnter();
    breaker.succeed();
    clock.nowMs += 60_000;
    breaker.fail(true);
    breaker.probeSucceeded();
    expect(breaker.state).toBe('half-open');
  });
});
