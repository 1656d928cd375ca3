import { describe, expect, it } from 'vitest';
import { LoadController } from './controller.ts';

const options = { batchCapacity: 512, maxRunning: 8, threads: 4, targetInterTokenMs: 100 } as const;

/** A device on which a step costs `baseMs` and each prompt token `tokenMs` more. */
function run(controller: LoadController, decoding: number, baseMs: number, tokenMs: number, steps: number): number[] {
  const stepTimes: number[] = [];
  controller.observeStep({ stepMs: baseMs, decodeTokens: decoding, prefillTokens: 0 });
  for (let step = 0; step < steps; step++) {
    const prefillTokens = controller.limits(decoding).tokenBudget - decoding;
    const stepMs = baseMs + prefillTokens * tokenMs;
    controller.observeStep({ stepMs, decodeTokens: decoding, prefillTokens });
    stepTimes.push(stepMs);
  }
  return stepTimes;
}

describe('LoadController', () => {
  it('keeps the step near the target while prompts are read beside running answers', () => {
    const steps = run(new LoadController(options), 4, 40, 3, 40);
    const settled = steps.slice(20);
    expect(Math.max(...settled)).toBeLessThanOrEqual(115);
    expect(Math.min(...settled)).toBeGreaterThanOrEqual(70);
  });

  it('shrinks when the device becomes slower and grows again when it recovers', () => {
    const controller = new LoadController(options);
    run(controller, 4, 30, 1, 40);
    const fast = controller.limits(4).tokenBudget;
    run(controller, 4, 30, 8, 40);
    const slow = controller.limits(4).tokenBudget;
    run(controller, 4, 30, 1, 60);
    expect(slow).toBeLessThan(fast / 3);
    expect(controller.limits(4).tokenBudget).toBeGreaterThan(fast * 0.8);
  });

  it('uses the whole batch for a prompt alone, as long as a step stays short enough to cancel', () => {
    const quick = new LoadController(options);
    quick.observeStep({ stepMs: 128, decodeTokens: 0, prefillTokens: 64 });
    expect(quick.limits(0).tokenBudget).toBe(320);
    const slow = new LoadController(options);
    slow.observeStep({ stepMs: 6_400, decodeTokens: 0, prefillTokens: 64 });
    expect(slow.limits(0).tokenBudget).toBe(8);
  });

  it('runs fewer answers when they alone are over the target, and more when there is room again', () => {
    const controller = new LoadController(options);
    for (let step = 0; step < 10; step++) controller.observeStep({ stepMs: 160, decodeTokens: 8, prefillTokens: 0 });
    expect(controller.limits(0)).toMatchObject({ maxRunning: 7, reasons: ['inter-token-latency'] });
    for (let step = 0; step < 30; step++) controller.observeStep({ stepMs: 50, decodeTokens: 7, prefillTokens: 0 });
    expect(controller.limits(0)).toMatchObject({ maxRunning: 8, reasons: [] });
  });

  it.each([
    ['cpu', { otherCpuShare: 0.5 }, 4],
    ['memory', { availableMemoryBytes: 100 * 1024 * 1024 }, 1],
    ['temperature', { temperatureCelsius: 91 }, 4],
    ['battery', { battery: { level: 0.1, charging: false } }, 4],
  ] as const)('backs off for %s and says so', (reason, load, maxRunning) => {
    const controller = new LoadController(options);
    controller.observeDevice(load);
    expect(controller.limits(0)).toMatchObject({ maxRunning, reasons: [reason] });
    controller.observeDevice({});
    expect(controller.limits(0)).toMatchObject({ maxRunning: 8, reasons: [] });
  });

  it('gives up threads that other processes would keep waiting', () => {
    const controller = new LoadController(options);
    controller.observeDevice({ otherCpuShare: 0.5 });
    expect(controller.limits(1).threads).toBe(2);
    controller.observeDevice({ otherCpuShare: 0.1 });
    expect(controller.limits(1).threads).toBe(4);
  });

  it('always leaves room to go on, even on a device with nothing to spare', () => {
    const controller = new LoadController(options);
    const worst = {
      otherCpuShare: 1,
      availableMemoryBytes: 0,
      temperatureCelsius: 99,
      battery: { level: 0, charging: false },
    };
    controller.observeDevice(worst);
    expect(controller.limits(0).tokenBudget).toBeGreaterThan(0);
    expect(controller.limits(3).tokenBudget).toBeGreaterThan(3);
    expect(controller.limits(0)).toMatchObject({ maxRunning: 1, threads: 1 });
  });

  it('does not hold a charging battery against the device', () => {
    const controller = new LoadController(options);
    controller.observeDevice({ battery: { level: 0.05, charging: true } });
    expect(controller.limits(0).reasons).toEqual([]);
  });
});
